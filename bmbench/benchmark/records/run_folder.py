"""The run directory: everything needed to trust a run, to repeat it, or to resume it.

::

    runs/synthetic-weak-unet_shrink-quick-s0/
      config.json                    what was asked for, resolved; data set hash; the recipe of every score
      split.json                     which image is in which subset, and the balance of the classes
      environment.json               versions, commit with a dirty flag, machine
      log.txt                        every stage with its time
      checkpoint/                    the fitted detector (safetensors and JSON)
      optimisation/                  predictions.json, truth.json: where the threshold was chosen
      predictions.json, truth.json   the test images: `bmbench score` on the two gives metrics.json again
      timing.json                    seconds of work
      manifest.json                  SHA-256 of the others, but for log, timing, row and elsewhere/
      metrics.json                   the scores, written last: a run without it did not end
      pr_curves.png, gallery.png, gallery/
      history.csv, curve.png         losses and learning rate of every training, by step
      targets.png                    what the method made of the annotations, if it can draw that
      elsewhere/NAME/                the run on other images: predictions.json, truth.json, metrics.json,
                                     manifest.json
      row.md                         one row for a leaderboard
      unfinished/                    what a run under way needs to go on; gone at the end

Times differ from run to run, so they stand in a file of their own: everything else that a run writes is the
same for the same seed, however often it was stopped on the way.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bmbench.benchmark.records.memory import forget_peak, peak_mb
from bmbench.benchmark.records.run_records import (
    RUN_SCHEMA,
    TIMING_SCHEMA,
    Environment,
    RunConfig,
    Timing,
    as_record,
    read_record,
)
from bmbench.benchmark.records.seal import OTHER_SET, RUN, SealCheck, check_seal, seal
from bmbench.core.errors import BadInputError, RunFailedError
from bmbench.core.files import (
    folder_aside,
    json_text,
    name_folder,
    read_json,
    refuse_file,
    write_bytes,
    write_json,
)
from bmbench.core.locks import LOCK


@dataclass(frozen=True, slots=True)
class RunDir:
    """The paths of one run directory."""

    path: Path

    @classmethod
    def create(cls, out: Path, name: str, files: Mapping[str, Any]) -> RunDir:
        """A new directory `out/name`, or `out/name-2`, `-3` … where runs of that name exist.

        It appears with its JSON files in it: a directory without them is never seen.
        """
        refuse_file(out, expected="a folder for runs", remedy="name another --out")
        number = 1
        while True:
            path = out / (name if number == 1 else f"{name}-{number}")
            refuse_file(path, expected="a folder for runs")
            if not path.exists() and cls.create_at(path, files):
                return cls(path)
            number += 1

    @classmethod
    def create_at(cls, path: Path, files: Mapping[str, Any]) -> bool:
        """Make the directory with its JSON files; False if there is one with something in it already."""
        with folder_aside(path) as aside:
            for file, value in files.items():
                write_json(aside / file, value)
            try:
                name_folder(aside, path)
            except OSError as error:
                if path.is_dir():
                    return False
                raise RunFailedError(f"{path}: cannot be created ({error.strerror})") from error
        return True

    @classmethod
    def open(cls, path: Path) -> RunDir:
        """The directory of a finished run; BadInputError if it is none."""
        folder = cls(path)
        if not folder.is_finished:
            remedy = folder.where_runs_are()
            if folder.is_begun:
                remedy = f"finish it with `bmbench run --resume {path}`"
            raise BadInputError(
                "is not a finished run: it has no metrics.json", where=str(path), remedy=remedy
            )
        return folder

    def where_runs_are(self) -> str:
        """What to give in place of a folder that is no run: the runs in it, or where one says its name."""
        runs = sorted(path.parent for path in self.path.glob("*/config.json"))
        if not runs:
            return "give the folder that `bmbench run` printed"
        more = f" or another of the {len(runs)} runs in it" if len(runs) > 1 else ", the run in it"
        return f"give {runs[0]}{more}"

    def finish(self, metrics: Mapping[str, Any]) -> None:
        """Seal the run and write its scores, after which it is finished."""
        data = json_text(metrics).encode()
        seal(self.path, RUN, coming={"metrics.json": data})
        write_bytes(self.path / "metrics.json", data)

    def check_seal(self, *only: str) -> SealCheck:
        """Compare the files (those of these patterns alone) with the run's manifest."""
        return check_seal(self.path, RUN, only=only, sealed=self.config().is_sealed)

    def check_other_set(self, folder: Path) -> SealCheck:
        """Compare the run's answers to other images, in a folder below `elsewhere`, with their manifest."""
        return check_seal(folder, OTHER_SET, sealed=self.config().is_sealed)

    @property
    def is_begun(self) -> bool:
        """Whether it is the directory of a run, finished or not."""
        return (self.path / "config.json").is_file()

    @property
    def is_finished(self) -> bool:
        """Whether the run came to its end."""
        return (self.path / "metrics.json").is_file()

    @property
    def log(self) -> Path:
        """The log, one line a stage."""
        return self.path / "log.txt"

    @property
    def timing(self) -> Path:
        """The seconds of work."""
        return self.path / "timing.json"

    @property
    def checkpoint(self) -> Path:
        """The folder of the fitted detector."""
        return self.path / "checkpoint"

    @property
    def unfinished(self) -> Path:
        """The folder of what a run under way needs to go on."""
        return self.path / "unfinished"

    @property
    def elsewhere(self) -> Path:
        """The folder of results on other images than its own, a folder each."""
        return self.path / "elsewhere"

    @property
    def gallery(self) -> Path:
        """The folder of overlays, one picture a test image."""
        return self.path / "gallery"

    def predictions(self, subset: str) -> Path:
        """The predictions of a subset; those of the test images stand at the top."""
        return self._of(subset) / "predictions.json"

    def truth(self, subset: str) -> Path:
        """The ground truth of a subset, as COCO JSON."""
        return self._of(subset) / "truth.json"

    def read(self, name: str) -> dict[str, Any]:
        """The object in one of the run's JSON files; BadInputError if it holds anything else."""
        path = self.path / name
        return as_record(read_json(path, within=self.path), dict[str, Any], where=path, what="a run's record")

    def config(self) -> RunConfig:
        """What was asked for; BadInputError if its record is damaged, or of a newer bmbench."""
        return read_record(
            self.path / "config.json", RunConfig, schema=RUN_SCHEMA, within=self.path, what="a run's record"
        )

    def environment(self) -> Environment:
        """What the run was made with; BadInputError if its record is damaged."""
        return read_record(self.path / "environment.json", Environment, within=self.path)

    def times(self) -> Timing:
        """The seconds of work; BadInputError if their record is damaged, or of a newer bmbench."""
        return read_record(self.timing, Timing, schema=TIMING_SCHEMA, within=self.path)

    def write(self, name: str, value: Any) -> None:
        """Write one of the run's JSON files."""
        write_json(self.path / name, value)

    def sweep(self) -> None:
        """Remove what a killed process left half-written; only the one that holds the lock may."""
        folders = [self.path, *(path for path in self.path.rglob("*") if path.is_dir())]
        for path in [path for folder in folders for path in folder.glob(".*") if path.name != LOCK]:
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                with suppress(OSError):
                    path.unlink()

    def _of(self, subset: str) -> Path:
        return self.path if subset == "test" else self.path / subset


class Clock:
    """Seconds of work, and the most memory that it took, kept in a file.

    A process that is killed loses what it worked since it last saved, and that work is done again.

    Parameters
    ----------
    path : Path
        What earlier processes saved is read from there.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        earlier = read_record(path, Timing, schema=TIMING_SCHEMA) if path.exists() else Timing()
        self._processes = earlier.processes + 1
        self._seconds = dict(earlier.seconds)
        self._memory = earlier.memory_mb
        self._knows_memory = forget_peak()
        self._began = {"all": time.monotonic()}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Count the block's time as `name`, whether it ends well or not."""
        self._began[name] = time.monotonic()
        try:
            yield
        finally:
            self._take(name)
            del self._began[name]

    def save(self) -> None:
        """Write what has been counted so far."""
        for name in self._began:
            self._take(name)
        seconds = {name: round(self._seconds[name], 1) for name in sorted(self._seconds)}
        record: dict[str, Any] = {"schema": TIMING_SCHEMA, "processes": self._processes, "seconds": seconds}
        peaks = [self._memory, peak_mb() if self._knows_memory else None]
        if known := [peak for peak in peaks if peak is not None]:
            self._memory = record["memory_mb"] = max(known)
        write_json(self._path, record)

    def _take(self, name: str) -> None:
        now = time.monotonic()
        self._seconds[name] = self._seconds.get(name, 0.0) + now - self._began[name]
        self._began[name] = now
