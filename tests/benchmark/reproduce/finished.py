"""Finished run directories written by hand: what a run would leave, without any training."""

from __future__ import annotations

import json
from pathlib import Path

from bmbench.benchmark.reproduce.folder import StudyFolder
from bmbench.benchmark.reproduce.matrix import Cell, Matrix, StudyFacts
from tests.benchmark.whole_records import whole_config, whole_metrics, whole_scores

SIDE, STEP = 20, 40
FACTS = StudyFacts(
    dataset="synthetic",
    data=None,
    # As few as there may be: the report looks whether they are those of the runs.
    dataset_options={"images": "4", "size": "256"},
    profile="quick",
    jitter_px=None,
)


def cell(
    method: str, *, track: str = "weak", seed: int = 0, fold: str = "", artefacts: str = "background"
) -> Cell:
    return Cell(track=track, artefacts=artefacts, method=method, seed=seed, fold=fold)


def write_study(path: Path, cells: list[Cell]) -> StudyFolder:
    """The folder of a study of these cells, none of them run."""
    folder = StudyFolder(path)
    folder.join(Matrix(facts=FACTS, cells=tuple(cells)))
    return folder


def write_run(
    folder: StudyFolder,
    one: Cell,
    found: list[int],
    *,
    cells: int = 4,
    false: int = 0,
    grow: float = 1.0,
    data: str = "0" * 64,
    groups: list[str] | None = None,
) -> None:
    """A finished run that finds so many of the `cells` cells of each image, and `false` more on each.

    Every image is a group of its own unless `groups` says otherwise. All confidences are above the
    threshold; boxes are `grow` times as wide as their cells.
    """
    run = folder.run(one)
    write_answers(run, found, cells=cells, false=false, grow=grow, groups=groups)
    _write(run / "config.json", _config(one, n_images=len(found), data=data))
    _write(run / "metrics.json", whole_metrics())


def write_elsewhere(folder: StudyFolder, one: Cell, name: str, found: list[int], *, asked: str = "") -> None:
    """What a finished run answers to images of another set, four cells on each."""
    place = folder.run(one) / "elsewhere" / name
    write_answers(place, found)
    record = whole_metrics(
        images=len(found),
        cells=4 * len(found),
        cd=whole_scores(limit=12.0),
        set={"asked": asked or name, "dataset": name, "data_hash": "2" * 64},
        scale={"factor": 0.5, "from": "pixel size"},
        best_f1={"bb": None, "cd": None},
    )
    _write(place / "metrics.json", record)


def write_answers(
    place: Path,
    found: list[int],
    *,
    cells: int = 4,
    false: int = 0,
    grow: float = 1.0,
    groups: list[str] | None = None,
) -> None:
    """Ground truth and predictions, as `write_run` says."""
    place.mkdir(parents=True)
    names = groups or [f"slide {number}" for number in range(len(found))]
    images = [
        {"id": number + 1, "file_name": f"{number}.png", "width": 800, "height": 800, "group": name}
        for number, name in enumerate(names)
    ]
    places = [(number, STEP * row) for number in range(len(found)) for row in range(cells)]
    annotations = [
        {"id": number + 1, "image_id": image + 1, "category_id": 1, "bbox": [x, 0, SIDE, SIDE]}
        for number, (image, x) in enumerate(places)
    ]
    shift = SIDE * (grow - 1) / 2
    answers = [
        {
            "image_id": image + 1,
            "category_id": 1,
            "bbox": [STEP * row - shift, y - shift, SIDE * grow, SIDE * grow],
            "score": round(0.9 - 0.001 * (10 * image + row), 6),
        }
        for image, n in enumerate(found)
        for y, here in ((0, n), (500, false))
        for row in range(here)
    ]
    categories = [{"id": 1, "name": "cell"}]
    _write(place / "truth.json", {"images": images, "annotations": annotations, "categories": categories})
    _write(place / "predictions.json", answers)


def _config(one: Cell, *, n_images: int, data: str) -> dict[str, object]:
    return whole_config(
        data_hash=data,
        images={"train": 10, "validation": 2, "optimisation": 2, "test": n_images},
        method=one.method,
        track={"name": one.track, "version": 1},
        artefacts=one.artefacts,
        seed=one.seed,
    )


def _write(path: Path, value: object) -> None:
    path.write_text(json.dumps(value))
