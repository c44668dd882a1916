"""Models by name, and whatever `--model` and `--run` name, loaded."""

from __future__ import annotations

from pathlib import Path

from bmbench.adapters.ensemble import load_detector
from bmbench.adapters.method import Method, require_installed
from bmbench.benchmark.models.record import RECORD, ModelRecord, read_model
from bmbench.benchmark.protocol.classes import classes_from_json
from bmbench.benchmark.records.plugins import known_method
from bmbench.benchmark.records.run_folder import RunDir
from bmbench.benchmark.records.trained_run import TrainedRun, digest_of, load_run
from bmbench.core.errors import BadInputError, UnknownNameError
from bmbench.core.gate import is_file, plain_text

SHIPPED = Path(__file__).parent / "shipped"


def shipped_models() -> dict[str, Path]:
    """The folders of the models that come with the package, by name."""
    return {path.parent.name: path.parent for path in sorted(SHIPPED.glob(f"*/{RECORD}"))}


def find_model(place: str | Path) -> Path:
    """The folder of a model: one that comes with the package, by name, or a model or finished run by path.

    Raises
    ------
    BadInputError
        If it is none of them.
    """
    shipped, text = shipped_models(), plain_text(str(place))
    if text in shipped:
        return shipped[text]
    path = Path(text).expanduser()
    if path.exists():
        if not is_model(path) and not RunDir(path).is_begun:
            raise BadInputError(
                "is neither a model nor a run",
                where=str(path),
                expected=f"a folder with {RECORD}, or what `bmbench run` printed",
                remedy="check the path; `bmbench models` lists names",
            )
        return path
    if path.parent == Path():
        raise UnknownNameError("model", text, shipped)
    raise BadInputError("not found", where=str(path), expected="the folder of a model or of a finished run")


def is_model(folder: Path) -> bool:
    """Whether a folder is that of a model, and not of a run."""
    return is_file(folder / RECORD)


def load_trained(place: Path) -> TrainedRun:
    """The trained detector of a model or of a finished run.

    Raises
    ------
    BadInputError
        If the folder is neither, or its files are damaged or no longer what was sealed.
    UnknownNameError
        If its method is not known here.
    MissingExtraError
        If the method needs a dependency that is not installed.
    """
    return load_model(place) if is_model(place) else load_run(place)


def load_model(folder: Path) -> TrainedRun:
    """The trained detector of a model; see `load_trained`."""
    record = read_model(folder)
    method = method_of(record)
    require_installed(method)
    checkpoint = folder / "checkpoint"
    return TrainedRun(
        path=folder,
        detector=load_detector(method, checkpoint),
        classes=classes_from_json(record.classes),
        method=record.method,
        um_per_px=record.um_per_px,
        largest_cell_px=record.largest_cell_px,
        mean_cell_px=record.mean_cell_px,
        threshold=record.threshold,
        digest=digest_of(checkpoint),
        white=record.white,
        appearance=record.appearance,
    )


def method_of(record: ModelRecord) -> Method:
    """The method of a model; the errors of `known_method`."""
    return known_method(record.method, record.plugin.get("method"))
