"""A finished run as something that predicts; `bmbench.benchmark.models` makes the same of a model."""

import hashlib
import math
from dataclasses import dataclass
from pathlib import Path

from msgspec import Struct

from bmbench.adapters.images.appearance import Appearance
from bmbench.adapters.method import Detector, require_installed
from bmbench.benchmark.protocol.classes import classes_from_json
from bmbench.benchmark.records.plugins import method_of_run
from bmbench.benchmark.records.run_folder import RunDir
from bmbench.benchmark.records.run_records import read_record
from bmbench.benchmark.records.seal import require_as_sealed, warn_unsealed
from bmbench.core.errors import BadInputError
from bmbench.core.files import sha256
from bmbench.core.gate import files_in
from bmbench.core.types import Category


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrainedRun:
    """A detector and what its run, or its model, says about it.

    Attributes
    ----------
    detector : Detector
    classes : tuple of Category
        What its labels mean.
    method : str
    um_per_px : float or None
        Pixel size of the images that it learned from.
    largest_cell_px : float or None
        Diameter of the largest cell that it learned from; None in the records of older runs.
    mean_cell_px : float or None
        Mean diameter of the cells that it learned from; None in the records of older runs.
    white : int or None
        The value that is white in the 16-bit images that it learned from; None of 8-bit ones.
    threshold : float or None
        The confidence at which the run's F1 is given.
    digest : str
        SHA-256 over the files of the checkpoint, those of an ensemble's members too.
    appearance : Appearance or None
        How the images that it learned from look; None in the records of older runs.
    artefact_class : bool
        Whether it learned artefacts as a class of their own, so that it says which of its findings are some.
    """

    path: Path
    detector: Detector
    classes: tuple[Category, ...]
    method: str
    um_per_px: float | None
    largest_cell_px: float | None
    mean_cell_px: float | None
    threshold: float | None
    digest: str
    white: int | None = None
    appearance: Appearance | None = None
    artefact_class: bool = False


def load_run(path: Path) -> TrainedRun:
    """The trained detector of a finished run.

    Raises
    ------
    BadInputError
        If the folder is not a finished run, or its checkpoint is damaged or no longer what was sealed.
    UnknownNameError
        If its method is not known here.
    MissingExtraError
        If the method needs a dependency that is not installed.
    """
    from bmbench.adapters.ensemble import load_detector

    run = RunDir.open(path)
    config = run.config()
    scores = read_record(path / "metrics.json", _Scored, within=path).cd
    if not run.checkpoint.is_dir():
        raise BadInputError(
            "is not a run with a trained detector", where=str(path), remedy="give a folder of `bmbench run`"
        )
    # Of a run that was changed by hand the threshold can be meant; nobody means a changed network.
    warn_unsealed(run.check_seal("metrics.json"))
    require_as_sealed(run.check_seal("checkpoint/*", "config.json"))
    method = method_of_run(config)
    require_installed(method)
    return TrainedRun(
        path=path,
        detector=load_detector(method, run.checkpoint),
        classes=classes_from_json(config.classes),
        method=config.method,
        um_per_px=_positive(config.um_per_px),
        largest_cell_px=_positive(config.largest_cell_px),
        mean_cell_px=_positive(config.mean_cell_px),
        threshold=None if scores is None else _positive(scores.threshold),
        digest=digest_of(run.checkpoint),
        white=config.white,
        appearance=config.appearance,
        artefact_class=config.artefacts == "class",
    )


class _Threshold(Struct, frozen=True):
    threshold: float | None = None


class _Scored(Struct, frozen=True):
    """Of a run's scores what whoever predicts needs."""

    cd: _Threshold | None = None


def _positive(value: float | None) -> float | None:
    return value if value is not None and 0 < value < math.inf else None


def digest_of(folder: Path) -> str:
    """SHA-256 over the names and files of a checkpoint."""
    files = {path.relative_to(folder).as_posix(): path for path in files_in(folder, within=folder, deep=True)}
    lines = (f"{name} {sha256(files[name], within=folder)}\n" for name in sorted(files))
    return hashlib.sha256("".join(lines).encode()).hexdigest()
