"""Predictions corrected in QuPath: the walk-through of docs/annotation-loop.md, with its own files."""

import dataclasses
import json
import re
import shutil
import time
from pathlib import Path

import numpy as np
import pytest

from bmbench.core.artefacts import Declared
from bmbench.core.errors import BadInputError
from bmbench.core.geometry import box_iou
from bmbench.core.progress import Silent
from bmbench.core.types import CELL, Annotations, Category, Role
from bmbench.datasets.exchange.convert import convert
from bmbench.datasets.exchange.correction import Changes, _overlapping, changes, import_corrected
from bmbench.datasets.exchange.weaken_files import write_beside
from bmbench.datasets.formats.coco.samples import read_coco
from bmbench.datasets.formats.codec import Content
from bmbench.datasets.formats.qupath.geojson import read_qupath, write_qupath
from bmbench.datasets.formats.recognise import read_any
from bmbench.datasets.synthetic import synthesise
from bmbench.present.dataset_tables import changes_line

DOCS = Path(__file__).resolve().parents[3] / "docs"
LOOP = DOCS / "annotation-loop"


def test_the_predictions_become_annotations_that_qupath_lets_one_edit(tmp_path):
    predicted = read_any(f"qupath:{LOOP / 'predicted'}", LOOP / "images")
    done = convert(predicted, tmp_path / "editable", to="qupath", progress=Silent(), copy_images=False)
    assert done.warnings == ()
    before, after = (
        read_qupath(LOOP / "predicted/field.geojson"),
        read_qupath(tmp_path / "editable/annotations/field.geojson"),
    )
    assert set(before.kind) == {"detection"}
    assert set(after.kind) == {"annotation"}
    np.testing.assert_array_equal(before.annotations.box, after.annotations.box)
    # QuPath and the count of changes know an object by its id.
    assert before.ids == after.ids


def test_the_correction_is_taken_in_as_the_walk_through_shows_it(tmp_path):
    content = import_corrected(LOOP / "corrected", images=LOOP / "images", shape="circles")
    shown = read_coco(LOOP / "annotations.json")
    assert content.categories == shown.categories == (CELL, Category(id=2, name="Artefact", artefact=True))
    mine, yours = content.samples[0].annotations, shown.samples[0].annotations
    for column in ("xy", "box", "circle", "label", "role", "region"):
        np.testing.assert_allclose(getattr(mine, column), getattr(yours, column), atol=1e-6, err_msg=column)
    roles = [int((mine.role == role).sum()) for role in Role]
    # By hand: 24 predictions less 11 deleted; 4 of them artefacts; one artefact and one region drawn anew.
    assert roles == [24 - 11 - 4, 4 + 1, 1]
    counted = changes_line(changes(LOOP / "predicted", LOOP / "corrected"))
    assert counted == "7 kept, 2 moved, 4 given another class, 11 deleted, 2 added"
    assert counted in (DOCS / "annotation-loop.md").read_text()


def test_the_commands_of_the_walk_through_exist():
    from typer.testing import CliRunner

    from bmbench.cli import app

    # Prediction on images is a command of its own and tested beside it.
    lines = re.findall(
        r"^    bmbench (datasets \w+|run) (.*)$", (DOCS / "annotation-loop.md").read_text(), re.MULTILINE
    )
    assert len(lines) >= 5
    for command, rest in lines:
        answer = CliRunner().invoke(app, [*command.split(), "--help"], env={"COLUMNS": "200"})
        assert answer.exit_code == 0
        for option in re.findall(r"--[a-z-]+", rest):
            assert option in answer.output, f"{command} {option}"


@pytest.mark.slow
def test_what_was_corrected_is_trained_on_again(tmp_path):
    from bmbench.benchmark.records.options import RunOptions
    from bmbench.benchmark.run.begin_or_resume import run

    marrow = tmp_path / "marrow"
    synthesise(marrow, n_images=8, size_px=256, seed=3, progress=Silent())
    shutil.copy(LOOP / "images/field.png", marrow / "images/field.png")
    old = read_any(marrow)
    content = import_corrected(LOOP / "corrected", images=marrow / "images", shape="circles", into=old)
    assert len(content.samples) == 9
    write_beside(marrow / "second-round.json", content)
    folder = run(
        RunOptions(method="blob_log", dataset=str(marrow / "second-round.json"), out=tmp_path / "runs"),
        Silent(),
    )
    subsets = json.loads((folder.path / "config.json").read_text())["dataset"]
    assert (folder.path / "metrics.json").is_file()
    assert subsets


def one(name, annotations, folder=LOOP):
    sample = read_coco(LOOP / "annotations.json").samples[0]
    return dataclasses.replace(sample, name=name, image_id=name, group="patient 7", annotations=annotations)


def boxes(*rows):
    box = np.array(rows, float).reshape(-1, 4)
    return Annotations.of(xy=(box[:, :2] + box[:, 2:]) / 2, box=box)


def test_an_image_of_both_sets_keeps_its_place_and_gets_the_new_annotations():
    old = Content(
        samples=(one("a.png", boxes([1, 1, 9, 9])), one("sub/field.png", boxes([1, 1, 9, 9]))),
        categories=(Category(id=4, name="cell"), Category(id=8, name="blast")),
        subsets={"a.png": "train", "sub/field.png": "test"},
    )
    merged = import_corrected(LOOP / "corrected", images=LOOP / "images", into=old)
    assert [s.name for s in merged.samples] == ["a.png", "sub/field.png"]
    assert [len(s.annotations) for s in merged.samples] == [1, 15]
    assert merged.samples[1].group == "patient 7"
    assert merged.subsets == old.subsets
    assert [(c.id, c.name, c.artefact) for c in merged.categories] == [
        (4, "cell", False), (8, "blast", False), (9, "Artefact", True)]  # fmt: skip
    # Labels point into the joined classes.
    assert set(merged.samples[1].annotations.label.tolist()) == {0, 2}


def corrected_as(folder, *names):
    """A folder of corrected images: the n-th has n objects."""
    for number, name in enumerate(names, 1):
        (folder / "images" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(LOOP / "images/field.png", folder / "images" / name)
        file = (folder / "annotations" / name).with_suffix(".geojson")
        write_qupath(file, boxes(*[[10 * n, 10, 10 * n + 8, 18] for n in range(number)]), (CELL,))
    return folder


def numbers(old, corrected):
    """How many objects each image of the joined set has; those of the old set have none."""
    content = Content(samples=tuple(one(name, boxes()) for name in old), categories=(CELL,))
    merged = import_corrected(corrected, into=content)
    return {sample.name: len(sample.annotations) for sample in merged.samples}


@pytest.mark.parametrize(("old", "corrected", "expected"), [
    # In the folder that it says, not in the first one with such a file.
    (["a/1.png", "b/1.png"], ["b/1.png"], {"a/1.png": 0, "b/1.png": 1}),
    (["a/1.png", "1.png"], ["1.png"], {"a/1.png": 0, "1.png": 1}),
    (["x/a/1.png", "x/b/1.png"], ["b/1.png", "a/1.png"], {"x/a/1.png": 2, "x/b/1.png": 1}),
    (["a/1.png"], ["a/1.png", "b/1.png"], {"a/1.png": 1, "b/1.png": 2}),
    (["ab/1.png"], ["b/1.png"], {"ab/1.png": 0, "b/1.png": 1}),
    # One of the two may be in fewer folders, and with another ending.
    (["set/1.png"], ["1.png"], {"set/1.png": 1}),
    (["1.tif", "2.tif"], ["set/2.png"], {"1.tif": 0, "2.tif": 1}),
    (["1.tif", "1.png"], ["1.png"], {"1.tif": 0, "1.png": 1}),
])  # fmt: skip
def test_a_correction_goes_to_its_own_image(tmp_path, old, corrected, expected):
    assert numbers(old, corrected_as(tmp_path, *corrected)) == expected


@pytest.mark.parametrize(("old", "corrected", "message"), [
    (["a/1.png", "b/1.png"], ["1.png"], r"1\.png: .*several of the set may be \(got a/1\.png, b/1\.png\)"),
    (["1.png"], ["a/1.png", "b/1.png"], r"1\.png: an image that is corrected twice \(got b/1\.png\)"),
])  # fmt: skip
def test_a_correction_that_may_be_of_several_images_is_refused(tmp_path, old, corrected, message):
    with pytest.raises(BadInputError, match=message):
        numbers(old, corrected_as(tmp_path, *corrected))


def test_a_class_can_be_declared_one_of_artefacts(tmp_path):
    write_qupath(tmp_path / "field.geojson", boxes([10, 10, 30, 30]), (Category(id=1, name="smudge"),))
    plain = import_corrected(tmp_path, images=LOOP / "images")
    assert plain.samples[0].annotations.role.tolist() == [Role.CELL]
    told = import_corrected(tmp_path, images=LOOP / "images", declared=Declared(artefacts=("smudge",)))
    assert told.samples[0].annotations.role.tolist() == [Role.ARTEFACT]
    with pytest.raises(BadInputError, match="no class 'basket'"):
        import_corrected(tmp_path, images=LOOP / "images", declared=Declared(artefacts=("basket",)))


def test_what_lies_beside_the_image_is_counted_and_named(tmp_path):
    """On 256 × 256 px, two boxes have their middle outside the image; one only reaches over its edge."""
    drawn = boxes([-510, 0, -490, 6], [246, 10, 262, 20], [300, 300, 310, 310], [10, 10, 30, 30])
    write_qupath(tmp_path / "field.geojson", drawn, (CELL,))
    content = import_corrected(tmp_path, images=LOOP / "images")
    assert content.notes == (
        "centre outside the image (2): field.png: cell at (-500.0, 3.0); field.png: cell at (305.0, 305.0)",
    )
    assert len(content.samples[0].annotations) == 4


def test_objects_with_new_ids_are_known_by_their_place(tmp_path):
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
    write_qupath(
        tmp_path / "old/field.geojson", boxes([0, 0, 20, 20], [40, 40, 60, 60], [80, 80, 90, 90]), (CELL,)
    )
    # Kept; moved by 5 px (15 / 25 of the boxes shared); gone; new.
    write_qupath(
        tmp_path / "new/other.geojson", boxes([0, 0, 20, 20], [45, 40, 65, 60], [120, 120, 130, 130]), (CELL,)
    )
    (tmp_path / "new/other.geojson").rename(tmp_path / "new/field.geojson")
    assert changes(tmp_path / "old", tmp_path / "new") == Changes(kept=1, moved=1, deleted=1, added=1)


def test_one_giant_does_not_make_all_objects_neighbours(tmp_path, monkeypatch):
    looked_at = []

    def counting(a, b):
        looked_at.append(len(a))
        return box_iou(a, b)

    monkeypatch.setattr("bmbench.datasets.exchange.correction.box_iou", counting)
    corner = 20.0 * np.column_stack(np.divmod(np.arange(1000), 40))
    box = np.column_stack([corner, corner + 15])
    write_qupath(tmp_path / "old.geojson", boxes([-500, -500, 900, 900], *box), (CELL,))
    write_qupath(tmp_path / "new.geojson", boxes(*box[::-1]), (CELL,))
    found = changes(tmp_path / "old.geojson", tmp_path / "new.geojson")
    assert found == Changes(kept=1000, deleted=1)
    assert sum(looked_at) <= 4 * 1000


def test_a_whole_slide_is_compared_in_a_moment():
    corner = 20.0 * np.column_stack(np.divmod(np.arange(40_000), 200))
    marked = boxes(*np.column_stack([corner, corner + 15]))
    rows = np.arange(40_000)
    began = time.process_time()
    pairs = _overlapping(marked, marked, (rows, rows))
    # A tenth of a second; ten where each pair looks through all others.
    assert time.process_time() - began < 3
    assert pairs == [(row, row) for row in range(40_000)]


def test_a_missing_corrected_file_is_named(tmp_path):
    with pytest.raises(BadInputError, match="no annotations of a known format"):
        changes(LOOP / "predicted", tmp_path)


def test_only_what_was_corrected_is_counted(tmp_path):
    """Three of twelve predicted images are corrected, one cell less each; a fourth file is of none."""
    predicted, corrected = tmp_path / "predicted", tmp_path / "corrected"
    for number in range(12):
        write_qupath(predicted / f"{number}.geojson", boxes([10, 10, 30, 30], [50, 50, 70, 70]), (CELL,))
    for number in (1, 4, 7):
        write_qupath(corrected / f"{number}.geojson", boxes([10, 10, 30, 30]), (CELL,))
    write_qupath(corrected / "new.geojson", boxes([10, 10, 30, 30]), (CELL,))
    assert changes(predicted, corrected) == Changes(kept=3, deleted=3)
    with pytest.raises(BadInputError, match="none of the corrected images was predicted"):
        changes(tmp_path / "predicted", corrected_as(tmp_path / "others", "x.png", "y.png"))
