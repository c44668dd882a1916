"""Slides that are a scanned area on a glass: coordinates are those of QuPath, files state their origin."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from bmbench.benchmark.prediction.options import PredictOptions
from bmbench.benchmark.prediction.predict import predict
from bmbench.core.progress import Silent
from bmbench.core.types import Pixels
from bmbench.datasets.formats.qupath.geojson import read_qupath
from bmbench.datasets.slides import opened
from bmbench.datasets.synthetic.dataset import sample

from .glass import write_scn

openslide = pytest.importorskip("openslide", reason="OpenSlide is not installed")
CORNER = (9000, 14000)


@pytest.fixture(scope="module")
def smear() -> Pixels:
    return sample(11, seed=5, size_px=384).load()


@pytest.fixture(scope="module")
def scn(smear: Pixels, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("glass") / "a.scn"
    write_scn(path, smear, corner=CORNER)
    judge = openslide.OpenSlide(path)
    bounds = [judge.properties[f"openslide.bounds-{side}"] for side in ("x", "y", "width", "height")]
    assert bounds == ["9000", "14000", "384", "384"]
    assert judge.dimensions == (2 * 9384, 2 * 14384)
    return path


def test_the_slide_is_the_scanned_area(scn: Path, smear: Pixels) -> None:
    with opened(scn) as slide:
        assert slide.finest == (384, 384)
        assert slide.levels == ((384, 384), (192, 192))
        assert slide.origin == CORNER
        np.testing.assert_array_equal(slide.read(0, 0, 0, 384, 384), smear)
        np.testing.assert_array_equal(slide.read(0, 100, 50, 40, 30), smear[50:80, 100:140])
        np.testing.assert_array_equal(slide.read(1, 20, 10, 50, 40), smear[::2, ::2][10:50, 20:70])


def test_outputs_and_regions_are_in_the_frame_of_qupath(
    blob_run: Path, scn: Path, smear: Pixels, tmp_path: Path
) -> None:
    from PIL import Image

    Image.fromarray(smear).save(tmp_path / "plain.png")
    square = [[[100, 0], [384, 0], [384, 384], [100, 384], [100, 0]]]
    region = {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": square}, "properties": {}}
    (tmp_path / "right.geojson").write_text(json.dumps(region))
    outs = [tmp_path / name for name in ("a.geojson", "a.csv", "a.json")]
    ask = {"run": blob_run, "threshold": 0.0, "regions": tmp_path / "right.geojson"}
    report = predict(PredictOptions(images=(scn,), out=tuple(outs), **ask), Silent())
    predict(PredictOptions(images=(tmp_path / "plain.png",), out=(tmp_path / "p.geojson",), **ask), Silent())
    found, expected = (read_qupath(path).annotations for path in (outs[0], tmp_path / "p.geojson"))
    assert len(found) > 5
    np.testing.assert_allclose(found.box, expected.box, atol=0.02)
    assert (found.xy[:, 0] >= 100).all()
    assert any("(9000, 14000) on the glass" in note for note in report.notes)
    with outs[1].open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {(row["origin_x_px"], row["origin_y_px"]) for row in rows} == {("9000", "14000")}
    assert json.loads(outs[2].read_text())["origins"] == [{"image_id": "a.scn", "x": 9000, "y": 14000}]


def test_plain_images_have_no_origin_to_state(blob_run: Path, smear: Pixels, tmp_path: Path) -> None:
    from PIL import Image

    Image.fromarray(smear).save(tmp_path / "plain.png")
    outs = (tmp_path / "a.csv", tmp_path / "a.json")
    predict(PredictOptions(run=blob_run, images=(tmp_path / "plain.png",), out=outs), Silent())
    assert "origin" not in outs[0].read_text() + outs[1].read_text()
