"""Every file of a run, a search or a study that changed, every number that does not come out."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from msgspec import Struct

from bmbench.benchmark.models.places import is_model
from bmbench.benchmark.models.record import SEALED
from bmbench.benchmark.records.run_folder import RunDir
from bmbench.benchmark.records.run_records import RunConfig, read_record
from bmbench.benchmark.records.seal import MANIFEST, SEARCH, STUDY, SealCheck, SealedKind, check_seal
from bmbench.benchmark.reproduce.folder import StudyFolder
from bmbench.benchmark.verify.differences import Leaf, leaves
from bmbench.benchmark.verify.run_numbers import other_set_leaves, run_leaves
from bmbench.core.errors import BadInputError
from bmbench.core.gate import is_file, read_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One thing that is not as it should be.

    Attributes
    ----------
    file : Path
    fault : str
        changed, missing, added, unreadable, or number.
    place : str
        Where in the file a number stands (``/cd/f1``); empty for others.
    text : str
        What is wrong with it, for people.
    """

    file: Path
    fault: str
    text: str
    place: str = ""

    def __str__(self) -> str:
        return f"{self.file}{'#' if self.place else ''}{self.place}: {self.text}"

    def to_json(self) -> dict[str, str]:
        """As ``--json`` prints it."""
        return {"file": str(self.file), "fault": self.fault, "place": self.place, "text": self.text}


@dataclass(slots=True, kw_only=True)
class Verification:
    """What a look at something finished came to.

    Attributes
    ----------
    files, numbers : int
        Files that are as they were sealed, and numbers that were recomputed and are as recorded.
    notes : list of str
        What was not checked, and why.
    """

    path: Path
    found: list[Found] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    files: int = 0
    numbers: int = 0

    def to_json(self) -> dict[str, Any]:
        """As ``--json`` prints it."""
        return {
            "path": str(self.path),
            "valid": not self.found,
            "files": self.files,
            "numbers": self.numbers,
            "faults": [one.to_json() for one in self.found],
            "notes": self.notes,
        }

    def add_files(self, check: SealCheck) -> None:
        """Take in what a look at a manifest came to."""
        if check.seal is None and not check.faults:
            self.notes.append(check.sentence())
        sealed = 0 if check.seal is None else len(check.seal.files)
        self.files += sealed - sum(fault.what != "added" for fault in check.faults if check.seal is not None)
        self.found += [
            Found(file=check.path / fault.name, fault=fault.what, text=_TEXTS[fault.what])
            for fault in check.faults
        ]

    def add_sealed(self, folder: Path, kind: SealedKind, *, at_end: str) -> None:
        """Take in a folder that has a manifest from its end on, when the file `at_end` is there too."""
        if is_file(folder / at_end) or is_file(folder / MANIFEST):
            self.add_files(check_seal(folder, kind))
        else:
            self.notes.append(f"{folder}: has no {at_end} yet, and is sealed when it has")

    def add_numbers(self, file: Path, compared: Iterable[Leaf]) -> None:
        """Take in values of a file that were recomputed."""
        for leaf in compared:
            if leaf.is_same:
                self.numbers += leaf.is_number
            else:
                text = f"says {_short(leaf.recorded)}, its files give {_short(leaf.found)}"
                self.found.append(Found(file=file, fault="number", place=leaf.place, text=text))

    def trying(self, file: Path, check: Callable[[], None]) -> None:
        """Do a check; what keeps it from being done is a fault."""
        try:
            check()
        except BadInputError as error:
            self.found.append(Found(file=file, fault="unreadable", text=str(error)))


_TEXTS = {
    "changed": "is not as it was when it was sealed",
    "missing": "is no longer there",
    "added": "was not there when the others were sealed",
}


def verify(path: Path) -> Verification:
    """Look at a run, a search, a study, a model, or the ``checkpoint`` of a run.

    Raises
    ------
    BadInputError
        If it is none of these, or not finished.
    """
    done = Verification(path=path)
    if is_file(path / "study.json"):
        _verify_study(done, StudyFolder(path))
    elif is_file(path / "tuning.json"):
        _verify_search(done, path)
    elif RunDir(path).is_begun:
        _verify_run(done, RunDir.open(path))
    elif is_model(path):
        done.trying(path, lambda: done.add_files(check_seal(path, SEALED, sealed=True)))
    elif path.name == "checkpoint" and RunDir(path.parent).is_begun:
        run = RunDir.open(path.parent)
        done.trying(path, lambda: done.add_files(run.check_seal("checkpoint/*")))
    else:
        raise BadInputError(
            "is nothing that can be verified",
            where=str(path),
            expected="the folder of a run, a search, a study, a model or a submission",
            remedy="for a leaderboard: bmbench leaderboard verify",
        )
    return done


def _verify_run(done: Verification, run: RunDir) -> None:
    done.trying(run.path, lambda: done.add_files(run.check_seal()))

    def numbers() -> None:
        for name, leaf in run_leaves(run):
            done.add_numbers(run.path / name, [leaf])

    done.trying(run.path / "metrics.json", numbers)
    for path in sorted(run.elsewhere.glob("*/metrics.json")):
        _verify_other_set(done, run, path)


def _verify_other_set(done: Verification, run: RunDir, path: Path) -> None:
    done.trying(path, lambda: done.add_files(run.check_other_set(path.parent)))
    done.trying(path, lambda: done.add_numbers(path, other_set_leaves(run, path.parent)))


def _verify_study(done: Verification, folder: StudyFolder) -> None:
    from bmbench.benchmark.reproduce.report.report import results_text

    cells = folder.read().cells
    finished = [cell for cell in cells if folder.is_finished(cell)]
    if len(finished) < len(cells):
        done.notes.append(f"{len(cells) - len(finished)} of {len(cells)} runs are not finished")
    done.trying(folder.path, lambda: done.add_sealed(folder.path, STUDY, at_end="report.md"))
    for cell in finished:
        _verify_run(done, RunDir(folder.run(cell)))
    results = folder.path / "results.csv"
    # A report says which runs it leaves out; without faults in them it has all.
    if not done.found and is_file(results):
        told = read_bytes(results, within=folder.path).decode("utf-8", "replace").splitlines()
        again = results_text(folder).splitlines()
        done.add_numbers(results, leaves(told, again, "/line"))


class _Result(Struct, frozen=True):
    """Of the result of a trial what its files give again."""

    f1: float
    ap: float | None
    threshold: float | None


class _Tuning(Struct, frozen=True):
    run: RunConfig


def _verify_search(done: Verification, path: Path) -> None:
    done.trying(path, lambda: done.add_sealed(path, SEARCH, at_end="settings.json"))
    for file in sorted(path.glob("trials/*/result.json")):
        done.trying(file, partial(_verify_trial, done, path, file))


def _verify_trial(done: Verification, path: Path, file: Path) -> None:
    done.add_numbers(file, _trial_leaves(path, file))


def _trial_leaves(path: Path, file: Path) -> Iterator[Leaf]:
    from bmbench.benchmark.scoring.score_files import evaluate_files
    from bmbench.benchmark.search.plan import SCHEMA

    protocol = read_record(path / "tuning.json", _Tuning, schema=SCHEMA, within=path).run.protocol
    told = read_record(file, _Result, within=path)
    scores = evaluate_files(file.with_name("predictions.json"), file.with_name("truth.json"), protocol).cd
    if scores is None or scores.f1 is None:
        return leaves({"f1": told.f1}, {"f1": 0.0})
    found = {"f1": scores.f1, "ap": scores.ap, "threshold": scores.threshold}
    return leaves({name: getattr(told, name) for name in found}, found)


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 40 else f"{text[:37]}…"
