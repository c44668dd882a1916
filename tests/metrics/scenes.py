"""Small sets of images for the tests: built from boxes, drawn at random, and written as COCO files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st

from bmbench.core.types import CELL, Category, GroundTruth, Predictions, Role

ARTEFACT = Category(id=9, name="artefact", artefact=True)


def truth_of(
    boxes: list[list[float]],
    image: list[int] | None = None,
    *,
    n_images: int | None = None,
    role: list[int] | None = None,
    region: list[bool] | None = None,
    label: list[int] | None = None,
    groups: list[str] | None = None,
    categories: tuple[Category, ...] = (CELL, ARTEFACT),
) -> GroundTruth:
    """Ground truth from x0 y0 x1 y1 boxes; everything else as for cells on one image."""
    box = np.array(boxes, float).reshape(-1, 4)
    n = len(box)
    image = [0] * n if image is None else image
    n_images = max(image, default=0) + 1 if n_images is None else n_images
    roles = np.array([0] * n if role is None else role, np.int64)
    labels = (roles == Role.ARTEFACT).astype(np.int64) if label is None else np.array(label, np.int64)
    return GroundTruth(
        image_ids=tuple(range(1, n_images + 1)),
        groups=tuple(groups or map(str, range(1, n_images + 1))),
        image=np.array(image, np.int64),
        xy=(box[:, :2] + box[:, 2:]) / 2,
        box=box,
        label=labels,
        role=roles,
        region=np.array([False] * n if region is None else region, bool),
        categories=categories,
    )


def predictions_of(
    boxes: list[list[float]],
    score: list[float],
    image: list[int] | None = None,
    *,
    label: list[int] | None = None,
) -> Predictions:
    """Predictions from x0 y0 x1 y1 boxes."""
    box = np.array(boxes, float).reshape(-1, 4)
    n = len(box)
    return Predictions(
        image=np.array([0] * n if image is None else image, np.int64),
        xy=(box[:, :2] + box[:, 2:]) / 2,
        box=box,
        confidence=np.array(score, float),
        label=np.array([0] * n if label is None else label, np.int64),
    )


def square(x: float, y: float, side: float = 20) -> list[float]:
    """The square with this centre."""
    return [x - side / 2, y - side / 2, x + side / 2, y + side / 2]


def shifted(table: Any, *, by: tuple[float, float] = (0, 0), scale: float = 1.0) -> Any:
    """The same objects, moved and then scaled."""
    move = np.array(by, float)
    return rebuilt(
        table,
        xy=(table.xy + move) * scale,
        box=(table.box + np.tile(move, 2)) * scale,
        **({"area": None, "size": None} if isinstance(table, GroundTruth) else {"size": None}),
    )


def rebuilt(table: Any, **columns: Any) -> Any:
    """A copy of a table with other columns (dataclasses.replace, for records with slots)."""
    values = {name: getattr(table, name) for name in table.__dataclass_fields__}
    return type(table)(**(values | columns))


def taken(table: Any, rows: Any) -> Any:
    """The objects of these rows, in their order."""
    index = np.arange(len(table.image))[rows]
    columns = {"image", "xy", "box", "label", "role", "region", "confidence", "size", "area"}
    present = {name for name in columns & set(table.__dataclass_fields__) if getattr(table, name) is not None}
    return rebuilt(table, **{name: getattr(table, name)[index] for name in present})


def joined(first: Any, second: Any) -> Any:
    """The objects of two tables on the same images."""
    columns = {"image", "xy", "box", "label", "role", "region", "confidence"} & set(
        first.__dataclass_fields__
    )
    return rebuilt(
        first,
        **{name: np.concatenate([getattr(first, name), getattr(second, name)]) for name in columns},
    )


def random_scene(
    seed: int,
    *,
    images: int = 3,
    cells: int = 12,
    extra: int = 6,
    area: float = 120,
    steps: int = 6,
    grid: float = 0.25,
    kinds: bool = True,
) -> tuple[GroundTruth, Predictions]:
    """Crowded cells and jittered predictions on a grid of dyadic fractions, scores on a few steps.

    Ties in score, in similarity and exactly at the limits are then frequent, and moving or scaling the
    scene by powers of two is exact.
    """
    rng = np.random.default_rng(seed)

    def on_grid(values: Any) -> Any:
        return np.round(np.asarray(values) / grid) * grid

    n = images * cells
    centre = on_grid(rng.uniform(10, area, (n, 2)))
    side = on_grid(rng.uniform(14, 30, (n, 2))) + grid
    box = np.concatenate([centre - side / 2, centre + side / 2], axis=1)
    role = rng.choice([0, 1, 2], n, p=[0.75, 0.1, 0.15]) if kinds else np.zeros(n, int)
    region = (role == Role.IGNORE) & (rng.random(n) < 0.4)
    truth = truth_of(
        box.tolist(),
        rng.integers(0, images, n).tolist(),
        n_images=images,
        role=role.tolist(),
        region=region.tolist(),
    )
    copied = rng.choice(n, int(1.1 * n))
    jitter = on_grid(rng.normal(0, 4, (len(copied), 4)))
    stray = on_grid(rng.uniform(10, area, (extra * images, 2)))
    found = np.concatenate([box[copied] + jitter, np.concatenate([stray - 10, stray + 10], axis=1)])
    found[:, 2:] = np.maximum(found[:, 2:], found[:, :2] + grid)
    image = np.concatenate([truth.image[copied], rng.integers(0, images, len(stray))])
    score = rng.integers(1, steps + 1, len(found)) / (steps + 1)
    label = (rng.random(len(found)) < (0.08 if kinds else 0)).astype(int)
    return truth, predictions_of(found.tolist(), score.tolist(), image.tolist(), label=label.tolist())


def scenes(**options: Any) -> st.SearchStrategy[tuple[GroundTruth, Predictions]]:
    """Random scenes for Hypothesis: many cells or few, or none, on one image or several."""
    return st.builds(
        lambda seed, images, cells, extra, steps: random_scene(
            seed, images=images, cells=cells, extra=extra, steps=steps, **options
        ),
        seed=st.integers(0, 10**6),
        images=st.integers(1, 4),
        cells=st.sampled_from([0, 1, 2, 5, 12]),
        extra=st.sampled_from([0, 1, 5]),
        steps=st.sampled_from([1, 3, 1000]),
    )


def coco_objects(truth: GroundTruth, *, with_area: bool = True) -> dict[str, Any]:
    """The ground truth as a COCO data set."""
    annotations = []
    for row in range(len(truth.image)):
        x0, y0, x1, y1 = truth.box[row].tolist()
        record = {
            "id": row + 1,
            "image_id": truth.image_ids[truth.image[row]],
            "category_id": truth.categories[truth.label[row]].id,
            "bbox": [x0, y0, x1 - x0, y1 - y0],
            "iscrowd": int(truth.region[row]),
            "ignore": int(truth.role[row] == Role.IGNORE),
        }
        if with_area:
            record["area"] = (x1 - x0) * (y1 - y0) if truth.area is None else float(truth.area[row])
        annotations.append(record)
    return {
        "info": {},
        "images": [
            {"id": image_id, "width": 4096, "height": 4096, "file_name": f"{image_id}.png", "group": group}
            for image_id, group in zip(truth.image_ids, truth.groups, strict=True)
        ],
        "categories": [
            {"id": c.id, "name": c.name, "supercategory": "artefact" if c.artefact else "cell"}
            for c in truth.categories
        ],
        "annotations": annotations,
    }


def coco_results(truth: GroundTruth, predictions: Predictions) -> list[dict[str, Any]]:
    """The predictions as a COCO results list."""
    return [
        {
            "image_id": truth.image_ids[predictions.image[row]],
            "category_id": truth.categories[predictions.label[row]].id,
            "bbox": [x0, y0, x1 - x0, y1 - y0],
            "score": float(predictions.confidence[row]),
        }
        for row, (x0, y0, x1, y1) in enumerate(predictions.box.tolist())
    ]


def write_pair(folder: Path, truth: Any, predictions: Any) -> tuple[Path, Path]:
    """Predictions file and truth file holding these JSON values (or tables)."""
    if isinstance(truth, GroundTruth):
        if isinstance(predictions, Predictions):
            predictions = coco_results(truth, predictions)
        truth = coco_objects(truth)
    paths = folder / "predictions.json", folder / "truth.json"
    for path, value in zip(paths, (predictions, truth), strict=True):
        path.write_text(value if isinstance(value, str) else json.dumps(value))
    return paths


def with_scale_and_outlines(truth: Path) -> None:
    """What some protocols ask for: the boxes as outlines, and how large a pixel is."""
    value = json.loads(truth.read_text())
    for image in value["images"]:
        image["um_per_px"] = 0.25
    for one in value["annotations"]:
        x, y, w, h = one["bbox"]
        one["segmentation"] = [[x, y, x + w, y, x + w, y + h, x, y + h]]
    truth.write_text(json.dumps(value))
