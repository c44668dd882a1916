"""`bmbench crops`: a picture of each found cell out, a table of labels in."""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bmbench import cli
from bmbench.benchmark.counting.found import read_found
from bmbench.benchmark.counting.labels import labelled
from bmbench.core.errors import BadInputError
from bmbench.core.types import Category, Detections
from bmbench.datasets.formats.predictions import write_predictions

CATEGORIES = (Category(id=4, name="cell"),)


def cells(*places: tuple[float, float]) -> Detections:
    """Cells of 8 px around these centres."""
    xy = np.array(places)
    box = np.column_stack([xy - 4, xy + 4])
    return Detections.of(xy=xy, box=box, confidence=np.linspace(0.9, 0.6, len(xy)))


@pytest.fixture
def found(tmp_path: Path) -> Path:
    """Two images whose pixels say where they are, and a predictions file of three cells."""
    for name in ("a", "b"):
        image = np.zeros((40, 50, 3), np.uint8)
        image[..., 0], image[..., 1] = np.arange(50), np.arange(40)[:, None]
        Image.fromarray(image).save(tmp_path / f"{name}.png")
    answers = {"a.png": cells((20, 20), (2, 30)), "b.png": cells((30, 10))}
    write_predictions(tmp_path / "found.json", answers, CATEGORIES)
    return tmp_path / "found.json"


def bmbench(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["bmbench", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return int(ended.value.code or 0)


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_out_as_pictures_and_back_as_classes(
    found: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    images = tmp_path / "a.png", tmp_path / "b.png"
    assert bmbench(monkeypatch, "crops", found, *images, "-o", tmp_path / "crops") == 0
    assert "3 cells of 2 images, 14 px a side" in capsys.readouterr().out
    first = np.asarray(Image.open(tmp_path / "crops" / "a" / "000" / "000001.png"))
    assert first.shape == (14, 14, 3)
    assert first[7, 7].tolist() == [20, 20, 0]
    beyond = np.asarray(Image.open(tmp_path / "crops" / "a" / "000" / "000002.png"))
    assert (beyond[:, :5] == 255).all()
    assert beyond[7, 7].tolist() == [2, 30, 0]
    table = tmp_path / "crops" / "a.csv"
    rows = read(table)
    assert [row["number"] for row in rows] == ["1", "2"]
    rows[0]["class"], rows[1]["class"] = "blast", ""
    with table.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    named = tmp_path / "named.csv"
    assert bmbench(monkeypatch, "crops", found, "--labels", tmp_path / "crops", "-o", named) == 0
    assert "2 of 3 cells got a class from crops; 1 keep theirs" in capsys.readouterr().out
    assert [(row["image"], row["class"]) for row in read(named)] == [
        ("a.png", "blast"),
        ("a.png", "cell"),
        ("b.png", "cell"),
    ]
    assert [row["x_px"] for row in read(named)] == ["20.0", "2.0", "30.0"]


@pytest.mark.parametrize(
    "table", ["file,class\na/000/000002.png,blast\n", "image,number,class\na.png,2,blast\n"]
)
def test_a_table_names_cells_by_picture_or_by_number(found: Path, tmp_path: Path, table: str) -> None:
    (tmp_path / "labels.csv").write_text(table)
    named, line = labelled(read_found(found, ()), tmp_path / "labels.csv")
    first, _ = ([part.label.tolist() for part in image.cells(0.0)] for image in named.images)
    assert first == [[0, 1]]
    assert [one.name for one in named.categories] == ["cell", "blast"]
    assert line == "1 of 3 cells got a class from labels.csv; 2 keep theirs"
    # A table that nobody changed names what the cells were called before.
    (tmp_path / "labels.csv").write_text("image,number,class\na.png,2,cell\n")
    _, line = labelled(read_found(found, ()), tmp_path / "labels.csv")
    said = "1 of 3 cells got a class from labels.csv, none another one than before; 2 keep theirs"
    assert line == said


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("file,kind\n", "columns missing"),
        ("image,number,class\nc.png,1,blast\n", "no such cell"),
        ("image,number,class\na.png,first,blast\n", "no such cell"),
        ("image,number,class\na.png,3,blast\n", r"no cell 3 \(expected 1 to 2\)"),
        ("image,number,class\na.png,1,blast\na.png,1,plasma cell\n", "cell 1 has two classes"),
    ],
)
def test_a_table_that_does_not_fit_says_why(found: Path, tmp_path: Path, table: str, said: str) -> None:
    (tmp_path / "labels.csv").write_text(table)
    with pytest.raises(BadInputError, match=said):
        labelled(read_found(found, ()), tmp_path / "labels.csv")


def test_crops_need_images(found: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert bmbench(monkeypatch, "crops", found, "-o", tmp_path / "crops") == 2
    assert not (tmp_path / "crops").exists()
