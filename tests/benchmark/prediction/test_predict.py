"""`bmbench predict` from files to files, with a detector that needs no torch."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import tifffile
from PIL import Image

from bmbench.adapters.blob_log import BlobDetector
from bmbench.benchmark.prediction.options import PredictOptions, Report
from bmbench.benchmark.prediction.predict import predict
from bmbench.benchmark.records.trained_run import load_run
from bmbench.core.errors import BadInputError, RunFailedError, Stopped
from bmbench.core.progress import Silent
from bmbench.core.types import CELL, Floats, Role
from bmbench.datasets.formats.qupath.geojson import read_qupath
from bmbench.datasets.slides import opened, read_region
from bmbench.datasets.synthetic.dataset import sample
from bmbench.datasets.synthetic.mosaic import Mosaic, mosaic, write_slide, write_truth

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def marrow() -> Mosaic:
    return mosaic(patches=3, patch_px=400, n_cells=60, seed=3, smears=2)


@pytest.fixture(scope="module")
def slide(marrow: Mosaic, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("slide") / "marrow.tif"
    write_slide(path, marrow, progress=Silent())
    return path


def ask(run: Path, *images: Path, out: Path | tuple[Path, ...], **more: Any) -> Report:
    outs = out if isinstance(out, tuple) else (out,)
    return predict(PredictOptions(run=run, images=images, out=outs, **more), Silent())


class Found(NamedTuple):
    """A COCO output as it stands in the file."""

    answered: tuple[str | int, ...]
    xy: Floats
    corner: Floats
    size: Floats
    score: Floats


def columns(path: Path) -> Found:
    value = json.loads(path.read_text())
    rows = value["detections"]
    box = np.array([row["bbox"] for row in rows]).reshape(-1, 4)
    middle = (box[:, :2] + box[:, 2:] / 2).tolist()
    xy = [row.get("center", centre) for row, centre in zip(rows, middle, strict=True)]
    return Found(
        answered=tuple(value["images"]),
        xy=np.array(xy).reshape(-1, 2),
        corner=box[:, :2],
        size=box[:, 2:],
        score=np.array([row["score"] for row in rows]),
    )


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_plain_image_gets_what_the_detector_says(blob_run: Path, tmp_path: Path) -> None:
    pixels = sample(11, seed=5, size_px=300).load()
    Image.fromarray(pixels).save(tmp_path / "a.png")
    expected = load_run(blob_run).detector.predict(pixels)
    ask(blob_run, tmp_path / "a.png", out=tmp_path / "a.json", threshold=0)
    found = columns(tmp_path / "a.json")
    np.testing.assert_allclose(columns(tmp_path / "a.json").xy, expected.xy, atol=1e-3)
    np.testing.assert_allclose(found.corner, expected.box[:, :2], atol=1e-3)
    np.testing.assert_allclose(found.score, expected.confidence, atol=1e-6)
    assert found.answered == ("a.png",)


def test_a_slide_in_tiles_gets_what_the_whole_image_gets(blob_run: Path, slide: Path, tmp_path: Path) -> None:
    """The blob detector looks a few radii far, so that with a margin of three cells tiles change nothing."""
    out = tmp_path / "tiled.json"
    report = ask(blob_run, slide, out=out, threshold=0, tile_px=640, margin_px=160, everywhere=True)
    assert report.images[0].tiles == 16
    ask(blob_run, slide, out=tmp_path / "whole.json", threshold=0, tile_px=2000)
    tiled, whole = columns(out), columns(tmp_path / "whole.json")
    assert len(whole.xy) > 400
    order, other = np.lexsort(tiled.xy.T), np.lexsort(whole.xy.T)
    np.testing.assert_allclose(tiled.xy[order], whole.xy[other], atol=2e-3)
    np.testing.assert_allclose(tiled.score[order], whole.score[other], atol=1e-5)


def test_all_outputs_tell_the_same(blob_run: Path, slide: Path, tmp_path: Path) -> None:
    outs = tuple(tmp_path / name for name in ("a.json", "a.geojson", "a.csv", "a.geojson.gz"))
    report = ask(blob_run, slide, out=outs, tile_px=640)
    coco, qupath, rows = columns(outs[0]), read_qupath(outs[1]), table(outs[2])
    assert report.images[0].cells == len(coco.xy) == len(rows) == len(qupath.confidence) > 50
    assert coco.score.min() >= report.threshold == 0.5
    np.testing.assert_allclose([float(row["x_px"]) for row in rows], coco.xy[:, 0], atol=0.006)
    np.testing.assert_allclose(qupath.annotations.xy, coco.xy, atol=0.02)
    np.testing.assert_allclose(qupath.confidence, coco.score, atol=1e-4)
    packed = read_qupath(outs[3])
    np.testing.assert_array_equal(packed.annotations.xy, qupath.annotations.xy)
    assert set(qupath.kind) == {"detection"}
    assert qupath.classes == ((CELL.name, False),)
    feature = json.loads(outs[1].read_text())["features"][0]
    area_um2 = float(rows[0]["area_um2"])
    assert feature["properties"]["measurements"]["Area µm^2"] == area_um2
    # A box of w × h px at 13/44 µm holds an ellipse of π/4 w h (13/44)² µm².
    expected = np.pi / 4 * float(rows[0]["width_px"]) * float(rows[0]["height_px"]) * (13 / 44) ** 2
    assert area_um2 == pytest.approx(expected, rel=2e-3)


def test_a_threshold_leaves_cells_out_and_nothing_else(blob_run: Path, slide: Path, tmp_path: Path) -> None:
    ask(blob_run, slide, out=tmp_path / "all.csv", threshold=0)
    ask(blob_run, slide, out=tmp_path / "some.csv", threshold=0.6)
    every = [row for row in table(tmp_path / "all.csv") if float(row["confidence"]) >= 0.6]
    some = table(tmp_path / "some.csv")
    assert [row["x_px"] for row in some] == [row["x_px"] for row in every]
    assert len(some) < len(table(tmp_path / "all.csv"))


def test_regions_limit_what_is_reported_and_what_is_looked_at(
    blob_run: Path, slide: Path, tmp_path: Path
) -> None:
    ring = [[100, 100], [500, 100], [500, 420], [100, 420], [100, 100]]
    hole = [[200, 200], [200, 300], [300, 300], [300, 200], [200, 200]]
    area = {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [ring, hole]}}
    (tmp_path / "r.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": [area]}))
    more = {"threshold": 0, "tile_px": 480}
    report = ask(blob_run, slide, out=tmp_path / "r.json", regions=tmp_path / "r.geojson", **more)
    ask(blob_run, slide, out=tmp_path / "all.json", everywhere=True, **more)
    got, every = columns(tmp_path / "r.json").xy, columns(tmp_path / "all.json").xy
    x, y = every.T
    inside = (x > 100) & (x < 500) & (y > 100) & (y < 420)
    inside &= ~((x > 200) & (x < 300) & (y > 200) & (y < 300))
    np.testing.assert_array_equal(got, every[inside])
    assert 0 < report.images[0].tiles < report.images[0].of_tiles
    beyond = (np.array([ring]) + 9000).tolist()
    far = {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": beyond}}
    (tmp_path / "far.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": [far]}))
    report = ask(blob_run, slide, out=tmp_path / "f.json", regions=tmp_path / "far.geojson", **more)
    assert (report.images[0].tiles, report.images[0].cells) == (0, 0)
    assert any("far.geojson lies on it" in note for note in report.notes)
    (tmp_path / "none.geojson").write_text('{"type": "FeatureCollection", "features": []}')
    with pytest.raises(BadInputError, match="no region"):
        ask(blob_run, slide, out=tmp_path / "n.json", regions=tmp_path / "none.geojson")


def test_glass_is_passed_over_without_losing_a_cell(blob_run: Path, marrow: Mosaic, tmp_path: Path) -> None:
    places = marrow.places.copy()
    places[:, 1:] = -1
    half = replace(marrow, places=places)
    write_slide(tmp_path / "half.tif", half, progress=Silent())
    more = {"threshold": 0.3, "tile_px": 480}
    some = ask(blob_run, tmp_path / "half.tif", out=tmp_path / "a.json", **more)
    every = ask(blob_run, tmp_path / "half.tif", out=tmp_path / "b.json", everywhere=True, **more)
    assert some.images[0].tiles < every.images[0].tiles == every.images[0].of_tiles
    a, b = columns(tmp_path / "a.json").xy, columns(tmp_path / "b.json").xy
    np.testing.assert_array_equal(a, b[b[:, 0] < 420])


def test_a_slide_of_other_pixel_size_is_read_at_the_runs(
    blob_run: Path, marrow: Mosaic, tmp_path: Path
) -> None:
    """The same smear photographed twice as fine, 2400 px wide: answers at twice the coordinates."""
    pixels = marrow.read(0, 0, 1200, 1200)
    fine = np.repeat(np.repeat(pixels, 2, axis=0), 2, axis=1)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    Image.fromarray(fine).save(tmp_path / "fine.png")
    same = ask(blob_run, tmp_path / "a.png", out=tmp_path / "a.json", threshold=0.5)
    half = ask(blob_run, tmp_path / "fine.png", out=tmp_path / "fine.json", um_per_px=13 / 88)
    assert half.images[0].scale == pytest.approx(0.5)
    assert same.images[0].scale == 1
    assert "pixel size unknown" in same.notes[0]
    assert half.notes == ()
    a, b = columns(tmp_path / "a.json"), columns(tmp_path / "fine.json")
    order, other = (np.lexsort(np.round(xy, 1).T) for xy in (b.xy / 2, a.xy))
    np.testing.assert_allclose(b.xy[order], 2 * a.xy[other], atol=0.1)
    np.testing.assert_allclose(b.size[order], 2 * a.size[other], atol=0.1)


def test_a_folder_of_images_has_a_file_each_or_one_for_all(blob_run: Path, tmp_path: Path) -> None:
    folder = tmp_path / "images"
    folder.mkdir()
    for number in range(3):
        Image.fromarray(sample(number, seed=5, size_px=256).load()).save(folder / f"m{number}.png")
    outs = tmp_path / "each", tmp_path / "all.csv", tmp_path / "all.json"
    report = ask(blob_run, folder, out=outs)
    assert sorted(path.name for path in outs[0].iterdir()) == ["m0.geojson", "m1.geojson", "m2.geojson"]
    rows = table(outs[1])
    for image in report.images:
        assert sum(row["image"] == image.name for row in rows) == image.cells > 0
    assert columns(outs[2]).answered == ("m0.png", "m1.png", "m2.png")
    assert next(row["number"] for row in rows if row["image"] == "m1.png") == "1"
    assert not list(tmp_path.glob("*.unfinished"))


def test_ids_and_categories_are_those_of_the_truth(
    blob_run: Path, slide: Path, marrow: Mosaic, tmp_path: Path
) -> None:
    write_truth(tmp_path / "truth.json", marrow, name="marrow.tif")
    value = json.loads((tmp_path / "truth.json").read_text())
    value["images"][0]["id"] = 17
    for annotation in value["annotations"]:
        annotation["image_id"] = 17
    (tmp_path / "truth.json").write_text(json.dumps(value))
    ask(blob_run, slide, out=(tmp_path / "a.json", tmp_path / "a.csv"), truth=tmp_path / "truth.json")
    assert {row["class"] for row in table(tmp_path / "a.csv")} == {CELL.name}
    found = json.loads((tmp_path / "a.json").read_text())
    assert found["images"] == [17]
    assert {d["category_id"] for d in found["detections"]} == {value["categories"][0]["id"]}


def answered(run: Path, truth: list[str], *images: Path) -> tuple[str | int, ...]:
    """The ids that these images get from a truth with these names, numbered from 1."""
    home = images[0].parents[2]
    records = [{"id": n, "file_name": name, "width": 96, "height": 96} for n, name in enumerate(truth, 1)]
    value = {"images": records, "categories": [{"id": 1, "name": "cell"}], "annotations": []}
    (home / "truth.json").write_text(json.dumps(value))
    for path in images:
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(sample(1, seed=5, size_px=96).load()).save(path)
    ask(run, *images, out=home / "answers.json", truth=home / "truth.json")
    return columns(home / "answers.json").answered


@pytest.mark.parametrize(("truth", "images", "ids"), [
    (["a/1.png", "b/1.png"], ["set/a/1.png"], (1,)),
    (["a/1.png", "b/1.png"], ["set/b/1.png", "set/a/1.png"], (2, 1)),
    (["1.png", "b/1.png"], ["set/c/1.png"], (1,)),
    (["train/a/1.png", "train/b/1.png"], ["set/b/1.png"], (2,)),
    (["train/1.png", "2.png"], ["set/b/2.png", "set/b/1.png"], (2, 1)),
])  # fmt: skip
def test_an_image_gets_the_id_of_its_own_record(
    blob_run: Path, tmp_path: Path, truth: list[str], images: list[str], ids: tuple[int, ...]
) -> None:
    assert answered(blob_run, truth, *(tmp_path / name for name in images)) == ids


def test_the_folder_where_the_command_is_given_counts(
    blob_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert answered(blob_run, ["a/1.png", "b/1.png"], tmp_path / "set/a/1.png") == (1,)
    monkeypatch.chdir(tmp_path / "set/a")
    ask(blob_run, Path("1.png"), out=tmp_path / "here.json", truth=tmp_path / "truth.json")
    assert columns(tmp_path / "here.json").answered == (1,)


@pytest.mark.parametrize(("truth", "images", "message"), [
    (["a/1.png", "b/1.png"], ["set/c/1.png"], r"several images that '.*c/1\.png' may be \(got a/1.png, b/1"),
    (["1.png", "2.png"], ["set/a/1.png", "set/b/1.png"], r"two images for the record '1\.png'"),
    (["a/1.png"], ["set/a/1.png", "set/a/2.png"], r"no image '2\.png'"),
])  # fmt: skip
def test_an_image_that_may_be_several_of_the_truth_is_refused(
    blob_run: Path, tmp_path: Path, truth: list[str], images: list[str], message: str
) -> None:
    with pytest.raises(BadInputError, match=message):
        answered(blob_run, truth, *(tmp_path / name for name in images))


def test_crops_are_the_pixels_around_each_cell(blob_run: Path, slide: Path, tmp_path: Path) -> None:
    ask(
        blob_run,
        slide,
        out=tmp_path / "a.csv",
        crops=tmp_path / "crops",
        crop_px=48,
        tile_px=640,
        threshold=0,
    )
    rows, cells = table(tmp_path / "crops" / "marrow.csv"), table(tmp_path / "a.csv")
    assert [row["number"] for row in rows] == [row["number"] for row in cells]
    assert [row["x_px"] for row in rows] == [row["x_px"] for row in cells]
    with opened(slide) as image:
        beyond = 0
        for row in rows:
            x, y = (int(np.floor(float(row[name]))) - 24 for name in ("x_px", "y_px"))
            with Image.open(tmp_path / "crops" / row["file"]) as file:
                crop = np.asarray(file)
            assert crop.shape == (48, 48, 3)
            x0, y0, x1, y1 = max(x, 0), max(y, 0), min(x + 48, image.width), min(y + 48, image.height)
            expected = read_region(image, (x0, y0, x1, y1), (x1 - x0, y1 - y0))
            np.testing.assert_array_equal(crop[y0 - y : y1 - y, x0 - x : x1 - x], expected)
            outside = np.ones((48, 48), bool)
            outside[y0 - y : y1 - y, x0 - x : x1 - x] = False
            assert (crop[outside] == 255).all()
            beyond += outside.any()
    assert beyond > 0


def test_crops_of_a_lower_threshold_do_not_stay_beside_the_table(
    blob_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.fromarray(sample(0, seed=5, size_px=256).load()).save(tmp_path / "smear.png")
    crops, more = tmp_path / "crops", {"out": tmp_path / "a.csv", "crops": tmp_path / "crops"}
    # Two in a folder: whole folders are left over too.
    monkeypatch.setattr("bmbench.benchmark.prediction.crops.PER_FOLDER", 2)
    ask(blob_run, tmp_path / "smear.png", threshold=0, **more)
    many = table(crops / "smear.csv")
    ours = crops / "smear" / "000" / "000009x.png", crops / "smear" / "note.png"
    for path in ours:
        path.write_text("the user's own")
    ask(blob_run, tmp_path / "smear.png", threshold=0.5, **more)
    few = table(crops / "smear.csv")
    assert 1 < len(few) < len(many) - 3
    there = {path.relative_to(crops).as_posix() for path in crops.rglob("*")}
    pictures = {row["file"] for row in few}
    folders = {"/".join(name.split("/")[:2]) for name in pictures} | {"smear"}
    assert there == pictures | folders | {"smear.csv"} | {path.relative_to(crops).as_posix() for path in ours}


def test_a_crop_is_never_half_a_file_and_never_beside_an_old_table(
    blob_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.fromarray(sample(0, seed=5, size_px=256).load()).save(tmp_path / "smear.png")
    more = {"out": tmp_path / "a.csv", "crops": tmp_path / "crops"}
    ask(blob_run, tmp_path / "smear.png", crop_px=24, **more)
    real, saved = Image.Image.save, []

    def breaks_off(self: Image.Image, path: Path, **options: Any) -> None:
        saved.append(path)
        if len(saved) == 2:
            path.write_bytes(b"half")
            raise OSError(28, "No space left on device")
        real(self, path, **options)

    with monkeypatch.context() as full:
        full.setattr(Image.Image, "save", breaks_off)
        with pytest.raises(RunFailedError, match="No space left"):
            ask(blob_run, tmp_path / "smear.png", crop_px=32, **more)
    assert not (tmp_path / "crops" / "smear.csv").exists()
    for path in (tmp_path / "crops" / "smear").rglob("*.png"):
        with Image.open(path) as picture:
            assert picture.size == ((32, 32) if path.stem == "000001" else (24, 24))
    ask(blob_run, tmp_path / "smear.png", crop_px=32, **more)
    assert [path.name for path in (tmp_path / "crops").iterdir() if path.name.startswith(".")] == []


KILLED = """
import sys, time
from pathlib import Path
from bmbench.adapters import blob_log
from bmbench.benchmark.prediction.options import PredictOptions
from bmbench.benchmark.prediction.predict import predict
from bmbench.core.progress import Silent

real = blob_log.BlobDetector.predict
def slow(self, image):
    time.sleep(0.25)
    return real(self, image)
blob_log.BlobDetector.predict = slow
run, slide, *out = map(Path, sys.argv[1:])
predict(PredictOptions(run=run, images=(slide,), out=tuple(out), tile_px=480, everywhere=True), Silent())
"""


@pytest.mark.usefixtures("posix")
def test_killed_anywhere_it_goes_on_to_the_same_bytes(blob_run: Path, slide: Path, tmp_path: Path) -> None:
    """SIGKILL, several times, in a process of its own; then the rest, and a run that nobody disturbed."""
    names = "cells.json", "cells.geojson", "cells.csv"
    killed, calm = tmp_path / "killed", tmp_path / "calm"
    command = [sys.executable, "-c", KILLED, str(blob_run), str(slide), *(str(killed / n) for n in names)]
    journal = killed / "cells.json.unfinished" / "000000.journal"
    sizes = [0]
    for _ in range(2):
        process = subprocess.Popen(command)
        while process.poll() is None and not (journal.exists() and journal.stat().st_size > sizes[-1] + 3000):
            time.sleep(0.02)
        assert process.poll() is None, "it ended before it could be killed"
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        sizes.append(journal.stat().st_size)
    assert not any((killed / name).exists() for name in names)
    options = {"tile_px": 480, "everywhere": True}
    ask(blob_run, slide, out=tuple(killed / name for name in names), **options)
    ask(blob_run, slide, out=tuple(calm / name for name in names), **options)
    for name in names:
        assert (killed / name).read_bytes() == (calm / name).read_bytes()
    assert sorted(path.name for path in killed.iterdir()) == sorted(names)


@pytest.mark.usefixtures("posix")
def test_a_second_process_on_the_same_output_is_refused_and_disturbs_nothing(
    blob_run: Path, slide: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, refusals = BlobDetector.predict, []
    more: dict[str, Any] = {"out": tmp_path / "a.json", "tile_px": 480}

    def meanwhile(self: BlobDetector, image: Any) -> Any:
        if not refusals:
            refusals.append("")
            with pytest.raises(BadInputError, match=f"being worked on by process {os.getpid()} "):
                ask(blob_run, slide, **more)
        return real(self, image)

    ask(blob_run, slide, out=tmp_path / "calm.json", tile_px=480)
    monkeypatch.setattr(BlobDetector, "predict", meanwhile)
    ask(blob_run, slide, **more)
    assert refusals
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "calm.json").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.json", "calm.json"]


def test_finished_tiles_are_not_predicted_again(
    blob_run: Path, slide: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = BlobDetector.predict, []

    def failing(self: BlobDetector, image: Any) -> Any:
        calls.append(1)
        if len(calls) > 8:
            raise OSError("the lamp went out")
        return real(self, image)

    monkeypatch.setattr(BlobDetector, "predict", failing)
    more = {"out": tmp_path / "a.json", "tile_px": 480, "everywhere": True}
    with pytest.raises(OSError, match="lamp"):
        ask(blob_run, slide, **more)
    monkeypatch.setattr(BlobDetector, "predict", lambda self, image: calls.append(1) or real(self, image))
    before = len(calls)
    report = ask(blob_run, slide, **more)
    kept = report.images[0].tiles - (len(calls) - before)
    assert kept >= 6


@pytest.mark.parametrize("out", [".", "..", "deeper/.."])
def test_the_folder_one_stands_in_takes_predictions(
    blob_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, out: str
) -> None:
    Image.fromarray(sample(0, seed=5, size_px=256).load()).save(tmp_path / "smear.png")
    here = tmp_path / "studies" / "here"
    (here / "deeper").mkdir(parents=True)
    monkeypatch.chdir(here)
    ask(blob_run, tmp_path / "smear.png", out=Path(out))
    assert (here / out / "smear.geojson").is_file()
    assert not list(tmp_path.rglob("*.unfinished"))
    assert list((here / "deeper").iterdir()) == []


def test_the_root_folder_takes_no_predictions(
    blob_run: Path, slide: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BlobDetector, "predict", None)
    with pytest.raises(BadInputError, match="--out /: a folder that nothing lies beside"):
        ask(blob_run, slide, out=Path("/"))


def test_an_empty_slide_is_told_about(blob_run: Path, tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "glass.tif", np.full((700, 700, 3), 250, np.uint8), tile=(256, 256))
    report = ask(blob_run, tmp_path / "glass.tif", out=tmp_path / "a.json", tile_px=480)
    assert report.images[0].tiles == 0
    assert any("nothing stained was seen" in note for note in report.notes)


@pytest.mark.parametrize("more", [
    {"out": ("file/a.json",)},
    {"out": ("a.json", "file/deeper/a.csv")},
    {"out": ("file",)},
    {"crops": "file"},
])  # fmt: skip
def test_a_place_that_cannot_be_written_is_named_before_the_work(
    blob_run: Path, slide: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: dict[str, Any]
) -> None:
    (tmp_path / "file").write_text("kept")
    monkeypatch.setattr(BlobDetector, "predict", None)
    asked = {"out": ("a.json",)} | more
    places = {"out": tuple(tmp_path / name for name in asked["out"])}
    if "crops" in asked:
        places["crops"] = tmp_path / asked["crops"]
    with pytest.raises(RunFailedError, match=r"cannot be written .*file is a file"):
        ask(blob_run, slide, **places)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_whoever_stops_it_or_fills_the_disk_is_told_how_to_go_on(
    blob_run: Path, slide: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bmbench.benchmark.prediction import predict as module

    for cause, seen in ((KeyboardInterrupt(), Stopped), (RunFailedError("a.json: full"), RunFailedError)):

        def nothing(*_: Any, why: BaseException = cause) -> list[Path]:
            raise why

        with monkeypatch.context() as broken:
            broken.setattr(module, "write_output", nothing)
            with pytest.raises(seen, match="the same command resumes with the tiles that are left"):
                ask(blob_run, slide, out=tmp_path / "a.json", tile_px=480)
        assert [path.name for path in tmp_path.iterdir()] == ["a.json.unfinished"]


def test_another_question_does_not_go_on_with_old_tiles(
    blob_run: Path, slide: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bmbench.benchmark.prediction import predict as module

    def nothing(*_: Any) -> list[Path]:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(module, "write_output", nothing)
        with pytest.raises(KeyboardInterrupt):
            ask(blob_run, slide, out=tmp_path / "a.json", tile_px=480, margin_px=115)
    # Cores of 1200 / 5 px in both: the same tiles by number, with another margin.
    for more in ({"tile_px": 640}, {"tile_px": 480, "margin_px": 116}):
        with pytest.raises(BadInputError, match="another prediction"):
            ask(blob_run, slide, out=tmp_path / "a.json", **more)
    ask(blob_run, slide, out=tmp_path / "a.json", tile_px=480, margin_px=115)


@pytest.mark.parametrize(("more", "message"), [
    ({"tile_px": 100}, "no tiles"),
    ({"form": "xml"}, "unknown form"),
    ({"um_per_px": 0.0}, r"--um-per-px: no pixel size of a microscope \(expected 0.02 to 50 µm, got 0\)"),
    ({"um_per_px": 250.0}, "no pixel size of a microscope"),
    ({"out": ("a.geojson", "a.geojson")}, "named twice"),
    ({"run": "."}, "not a finished run"),
])  # fmt: skip
def test_a_mistake_is_one_sentence_and_leaves_nothing(
    blob_run: Path, slide: Path, tmp_path: Path, more: dict[str, Any], message: str
) -> None:
    outs = tuple(tmp_path / name for name in more.pop("out", ("a.geojson",)))
    run = tmp_path / more.pop("run") if "run" in more else blob_run
    with pytest.raises(BadInputError, match=message):
        ask(run, slide, out=outs, **more)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["x.xlsx", "x.XLS", "x.png", "x.pdf"])
def test_a_folder_never_gets_the_name_of_another_kind_of_file(
    blob_run: Path, slide: Path, tmp_path: Path, name: str
) -> None:
    with pytest.raises(BadInputError, match="predictions are not written as"):
        ask(blob_run, slide, out=tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_one_geojson_file_of_two_images_is_refused(blob_run: Path, slide: Path, tmp_path: Path) -> None:
    Image.fromarray(sample(0, seed=5, size_px=256).load()).save(tmp_path / "m.png")
    with pytest.raises(BadInputError, match="describes one image"):
        ask(blob_run, slide, tmp_path / "m.png", out=tmp_path / "a.geojson")


def test_a_mosaic_has_exactly_the_cells_asked_for_and_they_lie_where_it_says(marrow: Mosaic) -> None:
    known = marrow.annotations
    assert (known.role == Role.CELL).sum() == 60
    assert set(known.role) <= {Role.CELL, Role.ARTEFACT}
    assert len({*marrow.turns.ravel()}) > 3
    pixels = marrow.read(0, 0, *marrow.size).astype(float).mean(axis=2)
    x, y = np.floor(known.xy[known.role == Role.CELL]).astype(int).T
    dark = np.array([pixels[b - 3 : b + 4, a - 3 : a + 4].mean() for a, b in zip(x, y, strict=True)])
    # Turned the wrong way, centres would lie as often on the background as anything else does.
    assert np.mean(dark < np.percentile(pixels, 20)) > 0.9


def test_a_cell_is_a_cell_where_the_truth_lists_an_artefact_first(blob_run: Path, tmp_path: Path) -> None:
    Image.fromarray(sample(11, seed=5, size_px=300).load()).save(tmp_path / "smear.png")
    categories = [
        {"id": 9, "name": "smudge", "supercategory": "artefact"},
        {"id": 4, "name": "blast", "supercategory": "cell"},
    ]
    images = [{"id": 1, "file_name": "smear.png", "width": 300, "height": 300}]
    truth = tmp_path / "truth.json"
    truth.write_text(json.dumps({"images": images, "annotations": [], "categories": categories}))
    ask(blob_run, tmp_path / "smear.png", out=tmp_path / "cells.json", truth=truth)
    rows = json.loads((tmp_path / "cells.json").read_text())["detections"]
    assert {row["category_id"] for row in rows} == {4}
