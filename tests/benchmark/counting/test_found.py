"""`bmbench count` of a predictions file: the same counts as of the detector, with images or without."""

from __future__ import annotations

import csv
import dataclasses
import json
import sys
from pathlib import Path

import numpy as np
import pytest

import bmbench
from bmbench import cli
from bmbench.benchmark.counting.count import count
from bmbench.benchmark.counting.found import read_found
from bmbench.benchmark.counting.options import CountOptions, CountReport, predictions_among
from bmbench.benchmark.prediction.options import PredictOptions
from bmbench.core.errors import BadInputError
from bmbench.core.progress import Silent
from bmbench.core.types import Annotations, Category, Detections
from bmbench.datasets.formats.coco.samples import write_coco
from bmbench.datasets.formats.predictions import write_predictions
from bmbench.datasets.synthetic.dataset import sample
from tests.benchmark.counting.coloured import picture

BOX = np.array([[1.0, 1.0, 5.0, 5.0], [10.0, 10.0, 16.0, 18.0], [20.0, 2.0, 24.0, 6.0]])
FOUND = Detections.of(
    xy=(BOX[:, :2] + BOX[:, 2:]) / 2,
    box=BOX,
    confidence=np.array([0.9, 0.6, 0.3]),
    label=np.array([0, 1, 1]),
)
CATEGORIES = (Category(id=3, name="erythroblast"), Category(id=7, name="lymphocyte"))


def from_file(found: Path, out: Path, *images: Path, **more: object) -> CountReport:
    threshold = more.pop("threshold", None)
    asked = PredictOptions(run=Path(), images=images, threshold=threshold)  # type: ignore[arg-type]
    return count(CountOptions(predict=asked, out=out, found=found, **more), Silent())  # type: ignore[arg-type]


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_table_of_cells_gives_the_counts_that_it_was_written_of(run: Path, tmp_path: Path) -> None:
    for name, counts in (
        ("Pat A 1", (9, 4, 2, 1, 1)),
        ("Pat A 2", (7, 5, 1, 0, 0)),
        ("Pat B 1", (3, 8, 2, 2, 0)),
    ):
        picture(tmp_path / "in" / f"{name}.png", counts)
    per_patient = {"group_from": r"(Pat \w)"}
    asked = PredictOptions(run=run, images=(tmp_path / "in",))
    count(CountOptions(predict=asked, out=tmp_path / "one", group_choices=per_patient), Silent())
    table = tmp_path / "one" / "cells.csv"
    report = from_file(table, tmp_path / "two", tmp_path / "in", group_choices=per_patient)
    for name in ("counts.csv", "patients.csv", "differential.csv", "cut-offs.csv", "cells.csv"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes(), name
    assert (tmp_path / "two" / "report.html").is_file()
    assert len(list((tmp_path / "two" / "overlays").iterdir())) == 3
    assert "every cell of cells.csv counts, from confidence 0.900 on" in " ".join(report.notes)
    (tmp_path / "in" / "Pat B 1.png").unlink()
    with pytest.raises(BadInputError, match=r"no image for 'Pat B 1.png'"):
        from_file(table, tmp_path / "three", tmp_path / "in")


def test_results_without_images_are_tables_alone(tmp_path: Path) -> None:
    file = tmp_path / "found.json"
    write_predictions(file, {"a.png": FOUND, "b.png": Detections.empty()}, CATEGORIES)
    report = from_file(file, tmp_path / "out", threshold=0.5)
    assert report.counts().tolist() == [[1, 1], [0, 0]]
    assert [one.name for one in report.classes] == ["category 3", "category 7"]
    assert [row["cells"] for row in read(tmp_path / "out" / "counts.csv")] == ["2", "0"]
    written = {path.name for path in (tmp_path / "out").iterdir()}
    assert not written & {"report.html", "overlays", "report.images"}
    notes = " ".join(report.notes)
    assert "tables alone" in notes
    assert "--names FILE" in notes


def test_a_coco_file_names_classes_and_images(tmp_path: Path) -> None:
    one = dataclasses.replace(sample(0, size_px=64), annotations=Annotations.empty())
    write_coco(tmp_path / "truth.json", [one], CATEGORIES)
    file = tmp_path / "found.json"
    number = json.loads((tmp_path / "truth.json").read_text())["images"][0]["id"]
    write_predictions(file, {number: FOUND}, CATEGORIES)
    report = from_file(file, tmp_path / "out", names=tmp_path / "truth.json")
    assert [image.name for image in report.images] == [one.name]
    assert [one.name for one in report.classes] == ["erythroblast", "lymphocyte"]
    assert report.counts().tolist() == [[1, 2]]
    write_coco(tmp_path / "truth.json", [one], CATEGORIES[:1])
    with pytest.raises(BadInputError, match="category 7 has no name"):
        from_file(file, tmp_path / "out-2", names=tmp_path / "truth.json")


def test_one_number_for_all_cells_is_no_class(tmp_path: Path) -> None:
    one = dataclasses.replace(sample(0, size_px=64), annotations=Annotations.empty())
    write_coco(tmp_path / "truth.json", [one], CATEGORIES)
    number = json.loads((tmp_path / "truth.json").read_text())["images"][0]["id"]
    untold = dataclasses.replace(FOUND, label=np.zeros(3, np.int64))
    notes = {}
    for name, found in {"untold": untold, "told": FOUND}.items():
        write_predictions(tmp_path / f"{name}.json", {number: found}, CATEGORIES)
        notes[name] = from_file(
            tmp_path / f"{name}.json", tmp_path / name, names=tmp_path / "truth.json"
        ).notes
    said = "every cell is of category 3 (erythroblast)"
    assert any(note.startswith(said) for note in notes["untold"])
    assert not any(note.startswith("every cell is of category") for note in notes["told"])


HEAD = "image,class,confidence,x_px,y_px,left_px,top_px,width_px,height_px\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("image,x,y\n", "columns missing"),
        (HEAD + "a,c,0.5,1,2,x,4,5,6\n", "not a number"),
        (HEAD, "no image and no cell"),
    ],
)
def test_a_table_that_is_none_says_why(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "found.csv").write_text(text)
    with pytest.raises(BadInputError, match=said):
        read_found(tmp_path / "found.csv", ())


def test_what_finds_cells_is_refused_beside_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_predictions(tmp_path / "found.json", {"a.png": FOUND}, CATEGORIES[:2])
    monkeypatch.chdir(tmp_path)
    for more, code, said in (
        (["--scale", "auto"], 2, "--scale as well"),
        (["other.csv"], 2, "one predictions file is counted"),
        (["-o", "counted"], 0, "Written to counted: cells.csv"),
    ):
        monkeypatch.setattr(sys, "argv", ["bmbench", "count", "found.json", *more])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        assert ended.value.code == code
        printed = capsys.readouterr()
        assert said in printed.out + printed.err


def test_python_takes_a_predictions_file_as_the_command_does(tmp_path: Path) -> None:
    file = tmp_path / "found.json"
    write_predictions(file, {"a.png": FOUND, "b.png": Detections.empty()}, CATEGORIES)
    result = bmbench.count(file, threshold=0.5, out=tmp_path / "out", show_progress=False)
    assert result.by_image == {
        "a.png": {"category 3": 1, "category 7": 1},
        "b.png": {"category 3": 0, "category 7": 0},
    }
    assert result.folder == tmp_path / "out"
    with pytest.raises(BadInputError, match=r"got model as well"):
        bmbench.count(str(file), model="marrow-small")
    with pytest.raises(BadInputError, match="one predictions file is counted"):
        bmbench.count([file, tmp_path / "other.csv"])


def annotated(path: Path, names: tuple[str, ...] = ("a.png", "b.png")) -> Path:
    """Two erythroblasts, a lymphocyte, a smudge cell, and one object to be ignored on the first image."""
    kinds = ("erythroblast", "erythroblast", "lymphocyte", "smudge cell", "lymphocyte")
    categories = [{"id": n, "name": name} for n, name in enumerate(dict.fromkeys(kinds), 1)]
    categories[2]["supercategory"] = "artefact"
    number = {one["name"]: one["id"] for one in categories}
    value = {
        "images": [
            {"id": n, "file_name": name, "width": 120, "height": 120} for n, name in enumerate(names, 1)
        ],
        "categories": categories,
        "annotations": [
            {"id": n, "image_id": 1, "category_id": number[kind], "bbox": [20 * n - 15, 10, 12, 12]}
            for n, kind in enumerate(kinds, 1)
        ],
    }
    value["annotations"][4]["ignore"] = 1  # type: ignore[index]
    path.write_text(json.dumps(value))
    return path


def test_what_somebody_marked_is_counted_without_a_confidence(tmp_path: Path) -> None:
    """An image without objects has none; what is to be ignored is left out; a picture of no use is named."""
    for name in ("a.png", "b.png", "c.png"):
        picture(tmp_path / "in" / name, (1,))
    file = annotated(tmp_path / "corrected.json", ("in/a.png", "in/b.png"))
    report = from_file(file, tmp_path / "out", tmp_path / "in")
    assert [image.name for image in report.images] == ["a.png", "b.png"]
    names = [one.name for one in report.classes]
    assert names == ["erythroblast", "lymphocyte", "smudge cell"]
    assert report.counts().tolist() == [[2, 1, 1], [0, 0, 0]]
    notes = " ".join(report.notes)
    assert "every object that is marked in corrected.json counts" in notes
    assert "1 object that are to be ignored" not in notes
    assert "1 object to be ignored is left out" in notes
    assert "corrected.json says nothing of 1 image, not counted: c.png" in notes
    page = (tmp_path / "out" / "report.html").read_text()
    assert "Marked in corrected.json" in page
    assert "id='confidence'" not in page
    alone = from_file(file, tmp_path / "alone")
    assert alone.counts().tolist() == report.counts().tolist()
    assert "this detector" not in " ".join(alone.notes)


def test_annotations_have_no_confidence_to_choose_and_names_of_their_own(tmp_path: Path) -> None:
    file = annotated(tmp_path / "corrected.json")
    with pytest.raises(
        BadInputError, match=r"annotations are counted as they are \(got --threshold as well\)"
    ):
        from_file(file, tmp_path / "out", threshold=0.5)
    with pytest.raises(BadInputError, match=r"--names as well"):
        from_file(file, tmp_path / "out", names=file)
    twice = annotated(tmp_path / "twice.json", ("x/a.png", "x/a.png"))
    with pytest.raises(BadInputError, match=r"two images of one name"):
        from_file(twice, tmp_path / "out")


def test_what_another_program_exported_is_led_to_the_import(tmp_path: Path) -> None:
    file = tmp_path / "corrected" / "a.geojson"
    with pytest.raises(BadInputError, match=r"bmbench datasets import .*corrected corrected.json --images"):
        predictions_among([file, tmp_path])
