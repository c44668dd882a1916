"""How long the cells that are left will take."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from bmbench.benchmark.records.run_folder import RunDir
from bmbench.benchmark.reproduce.folder import StudyFolder
from bmbench.benchmark.reproduce.matrix import Cell

LEARNING_S = {"quick": 120.0, "paper": 6 * 3600.0}
"""Seconds of a run that trains a network, before any is known: one core for quick, a GPU for paper."""
FIXED_S = 10.0
"""Seconds of a run that trains none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """Seconds of work left, and whether finished runs of this very study say so or a rule of thumb."""

    seconds: float
    measured: bool

    def text(self, jobs: int) -> str:
        """In words, with so many runs side by side."""
        source = "by the runs that are finished" if self.measured else "by rule of thumb"
        return f"about {_duration(self.seconds / max(jobs, 1))} ({source})"


def estimate(folder: StudyFolder, cells: Sequence[Cell], *, profile: str) -> Estimate:
    """The time for those of the cells that are not finished."""
    finished: dict[str, list[float]] = {}
    left = [cell for cell in cells if not folder.is_finished(cell)]
    for cell in set(cells) - set(left):
        run = RunDir(folder.run(cell))
        if run.timing.is_file() and (seconds := run.times().seconds.get("all")) is not None:
            finished.setdefault(cell.method, []).append(seconds)
    known = {method: median(seconds) for method, seconds in finished.items()}
    rule = {cell.method: _rule_of_thumb(cell.method, profile) for cell in left}
    return Estimate(
        seconds=sum(known.get(cell.method, rule[cell.method]) for cell in left),
        measured=all(cell.method in known for cell in left),
    )


def _rule_of_thumb(method: str, profile: str) -> float:
    from bmbench.adapters import METHODS

    return FIXED_S if METHODS.get(method).extra is None else LEARNING_S.get(profile, LEARNING_S["quick"])


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    if minutes < 1:
        return "a minute"
    return f"{minutes} min" if minutes < 120 else f"{minutes / 60:.1f} h"
