"""How long the cells that are left will take, and the searches before them.

A run is known by finished runs of its method in this very study; else by the time of one of its training
steps, times all the steps that it may make (training ends earlier where it no longer gets better); else by a
rule of thumb.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from types import MappingProxyType

from bmbench.adapters.method import Method
from bmbench.benchmark.protocol.tracks import get_profile
from bmbench.benchmark.records.options import resolve_settings
from bmbench.benchmark.records.run_folder import RunDir
from bmbench.benchmark.reproduce.folder import StudyFolder
from bmbench.benchmark.reproduce.matrix import Cell, StudyFacts
from bmbench.benchmark.reproduce.searches import found_settings, searched_rows
from bmbench.present.words import listed

LEARNING_S = 120.0
"""Seconds of a run that trains a network in quick, on one core, before any is known."""
FIXED_S = 10.0
"""Seconds of a run that trains none."""
_NOTHING: Mapping[str, float] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """Seconds of work left, and what says so.

    Attributes
    ----------
    runs, searches : float
        Seconds of either.
    source : str
        In words.
    steps : method → seconds of a training step that were measured
    """

    runs: float
    searches: float
    source: str
    steps: Mapping[str, float] = field(default_factory=dict)

    def text(self, jobs: int) -> str:
        """In words, with so many runs side by side."""
        whole = f"about {duration((self.runs + self.searches) / max(jobs, 1))} ({self.source})"
        if self.searches:
            whole += f", of it {duration(self.searches / max(jobs, 1))} for searches"
        if not self.steps:
            return whole
        return f"{whole}; a step takes {listed([f'{name} {s:.2g} s' for name, s in self.steps.items()])}"


def estimate(
    folder: StudyFolder,
    cells: Sequence[Cell],
    facts: StudyFacts,
    step_s: Mapping[str, float] = _NOTHING,
) -> Estimate:
    """The time for those of the cells that are not finished, with the seconds of steps that were measured."""
    left = [cell for cell in cells if not folder.is_finished(cell)]
    known = _known(folder, set(cells) - set(left))
    bounds = {cell.method: _bound(cell, facts, step_s) for cell in left}
    rows = [cell for cell in searched_rows(left, facts) if not found_settings(folder, cell)]
    timed = {name: s for name, s in step_s.items() if name in bounds and name not in known}
    if all(cell.method in known for cell in left):
        source = "by the runs that are finished"
    else:
        source = "by steps timed here; trainings may end earlier" if timed else "by rule of thumb"
    return Estimate(
        runs=sum(known.get(cell.method, bounds[cell.method]) for cell in left),
        searches=sum(facts.search * _training(cell, facts, step_s) for cell in rows),
        source=source,
        steps=timed,
    )


def seconds_left(folder: StudyFolder, cells: Sequence[Cell], facts: StudyFacts) -> float:
    """Seconds of one core for the runs and searches that are not finished, as `estimate` has them."""
    found = estimate(folder, cells, facts)
    return found.runs + found.searches


def unknown(folder: StudyFolder, cells: Sequence[Cell]) -> list[Cell]:
    """The cells that are not finished, of whose methods no run is."""
    done = {cell.method for cell in cells if folder.is_finished(cell)}
    return [cell for cell in cells if cell.method not in done and not folder.is_finished(cell)]


def _known(folder: StudyFolder, cells: set[Cell]) -> dict[str, float]:
    """The median time of the finished runs of each method."""
    finished: dict[str, list[float]] = {}
    for cell in cells:
        run = RunDir(folder.run(cell))
        if run.timing.is_file() and (seconds := run.times().seconds.get("all")) is not None:
            finished.setdefault(cell.method, []).append(seconds)
    return {method: median(seconds) for method, seconds in finished.items()}


def _bound(cell: Cell, facts: StudyFacts, step_s: Mapping[str, float]) -> float:
    """The longest that a run takes, of whose steps the time is known; else a rule of thumb."""
    profile = get_profile(facts.profile)
    trainings = (profile.models if _method(cell).ensemble else 1) * (2 if profile.retrain else 1)
    return trainings * _training(cell, facts, step_s)


def _training(cell: Cell, facts: StudyFacts, step_s: Mapping[str, float]) -> float:
    """The same of one training."""
    method = _method(cell)
    if method.extra is None:
        return FIXED_S
    if cell.method not in step_s:
        return LEARNING_S
    settings = resolve_settings(method, facts.profile, dict(cell.settings))
    return float(step_s[cell.method] * settings.steps)


def _method(cell: Cell) -> Method:
    from bmbench.adapters import METHODS

    return METHODS.get(cell.method)


def duration(seconds: float) -> str:
    """A time in words, of minutes or hours."""
    minutes = round(seconds / 60)
    if minutes < 1:
        return "a minute"
    return f"{minutes} min" if minutes < 120 else f"{minutes / 60:.1f} h"
