"""The laws that a scorer of another package is held to before any number of it is shown.

On a few drawn scenes, with artefacts, ignored objects and equal confidences among them:

- *order*: the order of images, cells and predictions never matters;
- *moving*, *scaling*: moving everything never matters, and scaling only for numbers of pixels;
- *perfect*: predictions that are the cells themselves get the value that the scorer calls perfect;
- *images twice*: showing every image twice changes no ratio, and doubles a sum.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any, TypeVar

import numpy as np

from bmbench.core.types import CELL, Category, GroundTruth, Predictions, Role
from bmbench.metrics.evaluation import evaluate
from bmbench.metrics.protocol import GEOMETRIES, PROTOCOLS
from bmbench.metrics.scorer import Scorer, value_of

RADIUS_PX = 8.0
_CATEGORIES = (CELL, Category(id=9, name="artefact", artefact=True))
_SCENES = 4
_GRID = 0.25
_Table = TypeVar("_Table", GroundTruth, Predictions)
_Values = list[float | None]


def broken_laws(scorer: Scorer) -> list[str]:
    """One sentence for each law of `scorer.keeps` that a drawn scene shows to be broken."""
    found: dict[str, str] = {}
    for seed in range(_SCENES):
        truth, predictions = drawn_scene(seed)
        for law in scorer.keeps:
            if law not in found and (said := _CHECKS[law](scorer, truth, predictions)):
                found[law] = said
    return list(found.values())


def drawn_scene(seed: int) -> tuple[GroundTruth, Predictions]:
    """Three images with crowded cells and predictions beside them; coordinates are quarters of a pixel.

    Moving, and scaling by powers of two, is then exact.
    """
    rng = np.random.default_rng(seed)
    n, images = 30, 3
    centre = _on_grid(rng.uniform(10, 120, (n, 2)))
    half = _on_grid(rng.uniform(7, 15, (n, 2)))
    box = np.concatenate([centre - half, centre + half], axis=1)
    role = rng.choice([Role.CELL, Role.ARTEFACT, Role.IGNORE], n, p=[0.75, 0.15, 0.1]).astype(np.int64)
    truth = GroundTruth(
        image_ids=tuple(range(1, images + 1)),
        groups=tuple(map(str, range(images))),
        image=rng.integers(0, images, n),
        xy=centre,
        box=box,
        label=(role == Role.ARTEFACT).astype(np.int64),
        role=role,
        region=np.zeros(n, bool),
        categories=_CATEGORIES,
    )
    near, stray = rng.choice(n, n), _on_grid(rng.uniform(10, 120, (6, 2)))
    jitter = np.tile(_on_grid(rng.normal(0, 3, (n, 2))), 2)
    found = np.concatenate([box[near] + jitter, np.concatenate([stray - 10, stray + 10], axis=1)])
    return truth, Predictions(
        image=np.concatenate([truth.image[near], rng.integers(0, images, len(stray))]),
        xy=(found[:, :2] + found[:, 2:]) / 2,
        box=found,
        confidence=rng.integers(1, 6, len(found)) / 6,
        label=np.zeros(len(found), np.int64),
    )


def _values(scorer: Scorer, truth: GroundTruth, predictions: Predictions, scale: float = 1.0) -> _Values:
    """The numbers of boxes and of centres."""
    rules = replace(PROTOCOLS["paper"], radius_px=RADIUS_PX * scale)
    evaluation = evaluate(truth, predictions, rules, threshold=0.5)
    scores = [getattr(evaluation, geometry) for geometry in GEOMETRIES]
    return [value_of(scorer, truth, predictions, one) for one in scores if one is not None]


def _order(scorer: Scorer, truth: GroundTruth, predictions: Predictions) -> str:
    rng = np.random.default_rng(0)
    images = rng.permutation(len(truth.image_ids))
    place = np.argsort(images)
    mixed = replace(
        _taken(truth, rng.permutation(len(truth.image))),
        image_ids=tuple(truth.image_ids[row] for row in images),
        groups=tuple(truth.groups[row] for row in images),
    )
    other = _taken(predictions, rng.permutation(len(predictions.image)))
    before = _values(scorer, truth, predictions)
    after = _values(
        scorer, replace(mixed, image=place[mixed.image]), replace(other, image=place[other.image])
    )
    return _differs(before, after, "another order of images, cells and predictions changes it")


def _moving(scorer: Scorer, truth: GroundTruth, predictions: Predictions) -> str:
    move = np.array([64.0, -37.0])
    after = _values(scorer, _placed(truth, 1.0, move), _placed(predictions, 1.0, move))
    return _differs(_values(scorer, truth, predictions), after, "moving everything changes it")


def _scaling(scorer: Scorer, truth: GroundTruth, predictions: Predictions) -> str:
    scale, still = 4.0, np.zeros(2)
    after = _values(scorer, _placed(truth, scale, still), _placed(predictions, scale, still), scale)
    by = scale if scorer.unit == "px" else 1.0
    before = [None if value is None else value * by for value in _values(scorer, truth, predictions)]
    return _differs(
        before, after, f"with everything {scale:g} times as large it is not {by:g} times as large"
    )


def _perfect(scorer: Scorer, truth: GroundTruth, _: Predictions) -> str:
    if scorer.perfect is None:
        return ""
    cells = _taken(truth, np.flatnonzero(truth.role == Role.CELL))
    same = Predictions(
        image=cells.image,
        xy=cells.xy,
        box=cells.box,
        label=cells.label,
        confidence=np.full(len(cells.xy), 0.5),
    )
    after = _values(scorer, cells, same)
    said = f"where predictions are the cells themselves it is not {scorer.perfect:g}"
    return _differs([scorer.perfect] * len(after), after, said)


def _images_twice(scorer: Scorer, truth: GroundTruth, predictions: Predictions) -> str:
    n = len(truth.image_ids)
    twice = _joined(truth, replace(truth, image=truth.image + n))
    twice = replace(twice, image_ids=tuple(range(1, 2 * n + 1)), groups=tuple(map(str, range(2 * n))))
    answers = _joined(predictions, replace(predictions, image=predictions.image + n))
    by = 2.0 if scorer.of_images == "sums" else 1.0
    before = [None if value is None else value * by for value in _values(scorer, truth, predictions)]
    return _differs(
        before, _values(scorer, twice, answers), f"every image twice does not make it {by:g}-fold"
    )


_CHECKS: dict[str, Callable[[Scorer, GroundTruth, Predictions], str]] = {
    "order": _order,
    "moving": _moving,
    "scaling": _scaling,
    "perfect": _perfect,
    "images twice": _images_twice,
}


def _differs(before: _Values, after: _Values, said: str) -> str:
    for one, other in zip(before, after, strict=True):
        both = one is not None and other is not None
        if one != other and not (both and math.isclose(one or 0, other or 0, rel_tol=1e-9, abs_tol=1e-9)):
            return f"{said} (expected {_text(one)}, got {_text(other)})"
    return ""


def _text(value: float | None) -> str:
    return "nothing" if value is None else f"{value:.6g}"


def _on_grid(values: Any) -> Any:
    return np.round(np.asarray(values) / _GRID) * _GRID


def _placed(table: _Table, scale: float, move: Any) -> _Table:
    return replace(table, xy=(table.xy + move) * scale, box=(table.box + np.tile(move, 2)) * scale)


def _taken(table: _Table, rows: Any) -> _Table:
    n = len(table.image)
    columns: dict[str, Any] = {one.name: getattr(table, one.name) for one in fields(table)}
    return replace(
        table,
        **{
            name: value[rows]
            for name, value in columns.items()
            if isinstance(value, np.ndarray) and len(value) == n
        },
    )


def _joined(first: _Table, second: _Table) -> _Table:
    columns = {one.name: (getattr(first, one.name), getattr(second, one.name)) for one in fields(first)}
    both: dict[str, Any] = {
        name: np.concatenate(pair) for name, pair in columns.items() if isinstance(pair[0], np.ndarray)
    }
    return replace(first, **both)
