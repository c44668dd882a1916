"""What a user hands over as predictions or ground truth, recognised; and as files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

from bmbench.api import columns as given
from bmbench.api.ground_truth import TruthTable
from bmbench.api.held_files import in_folder
from bmbench.api.other_libraries import is_supervision
from bmbench.api.predictions import PredictionTable
from bmbench.core.errors import BadInputError
from bmbench.core.types import Category

PredictionsLike: TypeAlias = Any
"""Predictions, a path, a COCO results list, Detections of supervision, Results of Ultralytics, or arrays."""
TruthLike: TypeAlias = Any
"""GroundTruth, a path, a COCO dict, Detections of supervision, or arrays."""
_COLUMNS = {2: ("xy",), 3: ("xy", "confidence"), 4: ("box",), 5: ("box", "confidence")}
_TRUTH_COLUMNS = {2: ("xy",), 3: ("xy", "radius"), 4: ("box",)}


def as_predictions(value: PredictionsLike) -> PredictionTable | Path:
    """Predictions from anything that `bmbench.score` takes; a path stays one."""
    if isinstance(value, str | Path):
        return Path(value)
    if isinstance(value, PredictionTable):
        return value
    named = isinstance(value, Mapping) and "detections" not in value
    parts = _parts(value) if not isinstance(value, Mapping) or named else []
    found: PredictionTable
    if not named and all(isinstance(part, Mapping) for part in parts) and (parts or not _is_list(value)):
        found = PredictionTable.from_coco(value)
    elif parts and all(map(is_supervision, parts)):
        found = PredictionTable.from_supervision(value)
    elif parts and all(getattr(part, "boxes", None) is not None for part in parts):
        found = PredictionTable.from_ultralytics(parts)
    else:
        columns = _columns(parts, _COLUMNS, "predictions")
        found = PredictionTable.from_arrays(**columns, image=list(value) if named else None)
    return found


def as_truth(value: TruthLike) -> TruthTable | Path:
    """Ground truth from anything that `bmbench.score` takes; a path stays one."""
    if isinstance(value, str | Path):
        return Path(value)
    if isinstance(value, TruthTable):
        return value
    if isinstance(value, Mapping) and "annotations" in value:
        return TruthTable.from_coco(value)
    parts = _parts(value)
    if parts and all(map(is_supervision, parts)):
        return TruthTable.from_supervision(value)
    columns = _columns(parts, _TRUTH_COLUMNS, "truth")
    return TruthTable.from_arrays(**columns, image=list(value) if isinstance(value, Mapping) else None)


def _parts(value: Any) -> list[Any]:
    """What is given of each image."""
    if isinstance(value, Mapping):
        return list(value.values())
    return list(value) if _is_list(value) else [value]


def _is_list(value: Any) -> bool:
    return isinstance(value, list | tuple)


def _columns(parts: Sequence[Any], kinds: Mapping[int, Sequence[str]], name: str) -> dict[str, Any]:
    """Named columns from one array for each image, whose width says what they are."""
    arrays = [given.rows(part, f"{name}[{number}]") for number, part in enumerate(parts)]
    widths = {array.shape[1] for array in arrays if len(array)}
    words = ", ".join(f"{width} ({' '.join(kinds[width])})" for width in kinds)
    if len(widths) > 1 or not widths <= kinds.keys():
        raise BadInputError(
            "arrays of another width", where=name, expected=f"one array for each image with {words} columns",
            got=" and ".join(str(width) for width in sorted(widths)),
            remedy="or name the columns with from_arrays",
        )  # fmt: skip
    width = widths.pop() if widths else 2
    place = 4 if kinds[width][0] == "box" else 2
    columns: dict[str, Any] = {kinds[width][0]: [array[:, :place].tolist() for array in arrays]}
    if len(kinds[width]) > 1:
        columns[kinds[width][1]] = [array[:, place].tolist() if len(array) else [] for array in arrays]
    return columns


@contextmanager
def files_of(
    answers: Mapping[str, PredictionTable | Path], truth: TruthTable | Path | None
) -> Iterator[list[Path]]:
    """Yield the paths of predictions, then that of their truth if any, for as long as they are read."""
    categories = _categories(truth)
    texts: dict[str, bytes | Path] = {
        f"{name}.json": one if isinstance(one, Path) else _text(one, categories)
        for name, one in answers.items()
    }
    if truth is not None:
        texts["truth.json"] = truth if isinstance(truth, Path) else truth.source
    with in_folder(texts) as paths:
        yield paths


def _text(answers: PredictionTable, categories: Callable[[], Sequence[Category]]) -> bytes | Path:
    return answers.source if isinstance(answers.source, Path) else answers.to_coco(categories())


def _categories(truth: TruthTable | Path | None) -> Callable[[], Sequence[Category]]:
    """The classes of the truth, read when somebody asks for them."""

    @cache
    def read() -> Sequence[Category]:
        if isinstance(truth, Path):
            from bmbench.datasets.formats.coco.columns import read_ground_truth

            return read_ground_truth(truth).categories
        return () if truth is None else truth.categories

    return read
