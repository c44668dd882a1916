"""Runs that tell classes of cells apart: what is asked for, what is taught, what the files say."""

import json
import shutil

import numpy as np
import pytest

from bmbench.adapters import METHODS
from bmbench.benchmark.protocol.classes import (
    CLASSES,
    as_classes_of,
    as_taught,
    cell_classes,
    label_classes,
    require_classes,
    tell_apart,
)
from bmbench.benchmark.records.options import RunOptions
from bmbench.benchmark.run.begin_or_resume import resume, run
from bmbench.core.dataset import Split
from bmbench.core.errors import BadInputError, UnknownNameError
from bmbench.core.progress import Silent
from bmbench.core.types import Annotations, Category, Detections, Role, Sample

BLAST, DEBRIS = Category(id=4, name="blast"), Category(id=9, name="debris", artefact=True)
GRANULOCYTE, MONOCYTE = Category(id=2, name="granulocyte"), Category(id=7, name="monocyte")
CATEGORIES = (BLAST, DEBRIS, GRANULOCYTE, MONOCYTE)
LABELS = [0, 1, 2, 3, 2]


def split_of(categories=CATEGORIES, labels=LABELS):
    n = len(labels)
    annotations = Annotations.of(
        xy=np.zeros((n, 2)),
        box=np.zeros((n, 4)),
        label=np.array(labels),
        role=np.array([Role.ARTEFACT if categories[label].artefact else Role.CELL for label in labels]),
    )
    sample = Sample(
        image_id=1, name="1", width=9, height=9, group="1", annotations=annotations, load=lambda: None
    )
    return Split(samples={"train": (sample,)}, radius_px=5.0, categories=categories)


def named(split):
    (sample,) = split.samples["train"]
    return [split.categories[label].name for label in sample.annotations.label]


def test_cells_of_classes_that_are_not_listed_are_other_cells():
    split = tell_apart(split_of(), ("monocyte",))
    assert named(split) == ["other cell", "debris", "other cell", "monocyte", "other cell"]
    # Its id is free: 10 follows the highest of the file.
    assert [c.id for c in split.categories if c.name == "other cell"] == [10]
    assert [c.name for c in cell_classes(split, ("monocyte",))] == ["monocyte", "other cell"]


@pytest.mark.parametrize("asked", [(), ("all",), ("monocyte", "granulocyte", "blast")])
def test_all_classes_leave_the_data_set_as_it_is(asked):
    split = split_of()
    assert tell_apart(split, asked) is split


def test_labels_of_a_network_are_the_cells_classes_then_artefacts():
    split = split_of()
    (seen,) = as_taught(split.samples["train"], CATEGORIES)
    is_cell = seen.annotations.role == Role.CELL
    assert seen.annotations.label[is_cell].tolist() == [0, 1, 2, 1]
    meaning = label_classes(split, ("all",))
    assert [one.name for one in meaning] == ["blast", "granulocyte", "monocyte", "artefact"]
    # The artefact's id is that of the set's own category of them.
    assert (meaning[3].id, meaning[3].artefact) == (9, True)
    assert label_classes(split, ()) == CLASSES


def test_answers_go_by_name_to_the_classes_of_a_data_set():
    said = Detections.of(xy=np.zeros((4, 2)), box=np.zeros((4, 4)), confidence=np.ones(4), label=np.arange(4))
    classes = label_classes(split_of(), ("all",))
    assert as_classes_of(CATEGORIES, said, classes).label.tolist() == [0, 2, 3, 1]
    # A set that knows monocytes alone by name: other cells are cells; it asks for no artefacts.
    lymphocyte = Category(id=1, name="lymphocyte")
    assert as_classes_of((lymphocyte, MONOCYTE), said, classes).label.tolist() == [0, 0, 1]


@pytest.mark.parametrize(
    ("asked", "categories", "kind", "message"),
    [
        (("monocite",), CATEGORIES, UnknownNameError, "did you mean 'monocyte'"),
        (("debris",), CATEGORIES, UnknownNameError, "unknown class of cells 'debris'"),
        (("all",), (BLAST, DEBRIS), BadInputError, "the data set has one class of cells"),
        (
            ("other cell",),
            (Category(id=1, name="other cell"), DEBRIS, BLAST, MONOCYTE),
            BadInputError,
            "of its own",
        ),
    ],
)
def test_classes_that_are_not_there_are_refused(asked, categories, kind, message):
    with pytest.raises(kind, match=message):
        tell_apart(split_of(categories, [0, 1]), asked)


def test_a_method_or_a_mode_without_classes_says_so():
    with pytest.raises(BadInputError, match="blob_log has one class of cells"):
        require_classes(METHODS.get("blob_log"), ("all",), artefacts="background")
    with pytest.raises(
        BadInputError, match=r"an artefact learned as a cell has no class.*background or class"
    ):
        require_classes(METHODS.get("retinanet"), ("all",), artefacts="foreground")
    assert require_classes(METHODS.get("unet_shrink"), (), artefacts="foreground") is None


SETTINGS = {
    "patch_px": "64",
    "cell_px": "12",
    "width": "16",
    "batch": "2",
    "shard": "1",
    "steps": "40",
    "validate_every": "40",
    "validation_patches": "2",
    "views": "1",
    "averaging": "0.9",
    "least_confidence": "0.01",
    "wbc_floor": "0.0",
}
ASKED = ("neutrophil", "eosinophil")


@pytest.fixture(scope="module")
def finished(marrow, tmp_path_factory, torch):
    """A run of a barely trained RetinaNet: neutrophils, eosinophils, other cells, artefacts."""
    options = RunOptions(
        method="retinanet",
        dataset=str(marrow),
        artefacts="class",
        classes=ASKED,
        settings=SETTINGS,
        out=tmp_path_factory.mktemp("classes"),
    )
    return run(options, Silent()).path


def test_predictions_name_classes_of_the_truth_beside_them(finished):
    truth, config = (json.loads((finished / f"{name}.json").read_text()) for name in ("truth", "config"))
    names = {record["id"]: record["name"] for record in truth["categories"]}
    found = json.loads((finished / "predictions.json").read_text())["detections"]
    used = {names[record["category_id"]] for record in found}
    assert used <= {"neutrophil", "eosinophil", "other cell", "smudge cell"}
    assert len(used) >= 2
    assert [one["name"] for one in config["classes"]] == [*ASKED, "other cell", "artefact"]


def test_the_files_of_a_run_give_its_scores_by_class_again(bmbench, finished):
    metrics, config = (json.loads((finished / f"{name}.json").read_text()) for name in ("metrics", "config"))
    answer = bmbench(
        "score", finished / "predictions.json", "--truth", finished / "truth.json", "--per-class", "--json",
        "--radius", config["protocol"]["radius_px"], "--threshold", metrics["cd"]["threshold"],
    )  # fmt: skip
    again, by_class = json.loads(answer.out), metrics["per_class"]
    assert list(by_class["cd"]["classes"]) == [*ASKED, "other cell"]
    assert {rule: again[rule] for rule in ("bb", "cd")} == {rule: by_class[rule] for rule in ("bb", "cd")}
    assert again["confusion"] == by_class["confusion"]
    # All cells as one class are what a run is ranked by.
    assert again["localisation"]["cd"] == metrics["cd"]
    predicted = by_class["confusion"]["cd"]["counts"][:-1]
    assert sum(map(sum, predicted)) == metrics["cd"]["tp"] + metrics["cd"]["fp"]


def test_a_run_with_classes_goes_on_and_ends_with_the_same_bytes(finished, tmp_path):
    copy = tmp_path / "run"
    shutil.copytree(finished, copy)
    for name in ("metrics.json", "manifest.json", "predictions.json", "confusion.png", "gallery.png"):
        (copy / name).unlink()
    resume(copy, Silent())
    for name in ("metrics.json", "predictions.json", "confusion.png"):
        assert (copy / name).read_bytes() == (finished / name).read_bytes()


def test_a_run_with_classes_predicts_by_name_and_is_compared(bmbench, finished, marrow, tmp_path):
    image = next(marrow.rglob("*.png"))
    csv, coco = tmp_path / "cells.csv", tmp_path / "cells.json"
    answer = bmbench(
        "predict", image, "--run", finished, "-o", csv, "-o", coco, "--threshold", 0, "--truth",
        marrow / "annotations.json",
    )  # fmt: skip
    assert answer.code == 0, answer.err
    rows = [line.split(",") for line in csv.read_text().splitlines()]
    column = rows[0].index("class")
    names = [row[column] for row in rows[1:]]
    assert set(names) <= {*ASKED, "other cell", "artefact"}
    content = json.loads((marrow / "annotations.json").read_text())
    ids = {record["name"]: record["id"] for record in content["categories"]}
    # Classes that the truth has too keep their names there, other cells are its first class of cells.
    expected = [ids.get(name, ids["smudge cell"] if name == "artefact" else ids["blast"]) for name in names]
    assert [r["category_id"] for r in json.loads(coco.read_text())["detections"]] == expected
    same = bmbench("compare", finished, finished, "--per-class", "--json")
    assert json.loads(same.out)["cd"]["ap"] == 0
    table = bmbench("score", finished / "predictions.json", "--truth", finished / "truth.json", "--per-class")
    assert "mean of them (macro)" in table.out.replace("\n", " ") or "(macro)" in table.out
    assert "what is taken for what" in table.out


def test_options_of_classes_are_read_back():
    options = RunOptions(classes=ASKED)
    assert RunOptions.from_json(json.loads(json.dumps(options.to_json())), where="") == options
