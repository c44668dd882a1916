"""The run directory: everything needed to trust a run or to repeat it.

::

    runs/synthetic-weak-unet_shrink-quick-s0/
      config.json                    what was asked for, resolved; data set hash; the recipe of every score
      environment.json               versions, commit with a dirty flag, machine
      log.txt                        every stage with its time
      checkpoint/                    the fitted detector (safetensors and JSON)
      optimisation/                  predictions.json, truth.json: where the threshold was chosen
      predictions.json, truth.json   the test images: `bmbench score` on the two gives metrics.json again
      metrics.json                   the scores, written last: a run without it did not end
      pr_curves.png, gallery.png, gallery/
      row.md                         one row for a leaderboard
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bmbench.core.errors import BadInputError, RunFailedError
from bmbench.core.files import read_json, write_json


@dataclass(frozen=True, slots=True)
class RunDir:
    """The paths of one run directory."""

    path: Path

    @classmethod
    def create(cls, out: Path, name: str) -> RunDir:
        """A new directory `out/name`, or `out/name-2`, `-3` … where runs of that name exist."""
        number = 1
        while True:
            path = out / (name if number == 1 else f"{name}-{number}")
            try:
                path.mkdir(parents=True)
            except FileExistsError:
                if not path.is_dir():
                    raise BadInputError("is a file", where=str(path), expected="a folder for runs") from None
                number += 1
            except OSError as error:
                raise RunFailedError(f"{path}: cannot be created ({error.strerror})") from error
            else:
                return cls(path)

    @classmethod
    def open(cls, path: Path) -> RunDir:
        """The directory of a finished run; BadInputError if it is none."""
        if not (path / "metrics.json").is_file():
            remedy = "give the folder that `bmbench run` printed"
            raise BadInputError(
                "is not a finished run: it has no metrics.json", where=str(path), remedy=remedy
            )
        return cls(path)

    @property
    def log(self) -> Path:
        """The log, one line a stage."""
        return self.path / "log.txt"

    @property
    def checkpoint(self) -> Path:
        """The folder of the fitted detector."""
        return self.path / "checkpoint"

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

    def read(self, name: str) -> Any:
        """The value of one of the run's JSON files."""
        return read_json(self.path / name)

    def write(self, name: str, value: Any) -> None:
        """Write one of the run's JSON files."""
        write_json(self.path / name, value)

    def _of(self, subset: str) -> Path:
        return self.path if subset == "test" else self.path / subset
