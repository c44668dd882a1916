"""docs/annotation-loop.md, walked: from twelve images without a mark to a second, better run, twice."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bmbench.core.objects import object_circles
from bmbench.core.types import Role
from bmbench.datasets.formats.recognise import read_any
from bmbench.datasets.synthetic.dataset import sample

PAGE = Path(__file__).resolve().parents[2] / "docs" / "annotation-loop.md"
N_IMAGES, N_MARKED, CORRECTED = 12, 8, (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10)


def circles(number):
    """(n, 3) what a careful person would draw on an image."""
    annotations = drawn(number).annotations
    return object_circles(annotations.take(annotations.role == Role.CELL))


def drawn(number):
    return sample(number, seed=7, size_px=256)


def in_qupath(path, marks, kept=()):
    """What QuPath exports: ellipses as annotations, objects that were kept as they were."""
    features = list(kept)
    for x, y, r in marks.tolist():
        angle = np.arange(25) * (2 * np.pi / 24)
        ring = np.stack([x + r * np.cos(angle), y + r * np.sin(angle)], axis=1).round(2).tolist()
        geometry = {"type": "Polygon", "coordinates": [[*ring[:-1], ring[0]]], "isEllipse": True}
        properties = {"objectType": "annotation", "isLocked": False}
        features.append({"type": "Feature", "geometry": geometry, "properties": properties})
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))


def in_labelme(path, marks, kept=()):
    shapes = list(kept)
    for x, y, r in marks.tolist():
        points = [[x, y], [x + r, y]]
        shapes.append(
            {"label": "cell", "points": points, "shape_type": "circle", "group_id": None, "flags": {}}
        )
    path.parent.mkdir(exist_ok=True)
    value = {"version": "5.5.0", "flags": {}, "shapes": shapes, "imageData": None}
    path.write_text(
        json.dumps(value | {"imagePath": f"../images/{path.stem}.png", "imageWidth": 256, "imageHeight": 256})
    )


PROGRAMS = {"qupath": (in_qupath, ".geojson"), "labelme": (in_labelme, ".json")}


def commands():
    return re.findall(r"^    bmbench (.*)$", PAGE.read_text(), re.MULTILINE)


def f1(bmbench, run, folder, name):
    """F1 at the run's own threshold on images that nobody marked or corrected."""
    done = bmbench(
        "predict", folder / "last", "--run", run, "-o", f"{name}.json", "--truth", folder / "last.json"
    )
    assert done.code == 0, done.err
    scores = bmbench("score", f"{name}.json", "--truth", folder / "last.json", "--radius", 8, "--json")
    return json.loads(scores.out)["cd"]["f1"]


@pytest.mark.slow
@pytest.mark.parametrize("program", PROGRAMS)
def test_the_page_is_walked(bmbench, tmp_path, monkeypatch, program):
    monkeypatch.chdir(tmp_path)
    draw, ending = PROGRAMS[program]
    truths(tmp_path)
    # 1. Eight images are marked in haste: every third cell alone.
    for number in range(N_MARKED):
        draw(tmp_path / "marks" / f"{number:02d}{ending}", circles(number)[::3])
    runs = []
    for command in commands():
        if f"--to {'labelme' if program == 'qupath' else 'qupath'}" in command:
            continue
        if command.startswith("datasets import"):
            correct(tmp_path, draw, ending)
        arguments = (
            command.replace("unet_shrink", "blob_log")
            .replace("runs/RUN", str(runs[-1]) if runs else "")
            .split()
        )
        done = bmbench(*arguments)
        assert done.code == 0, (command, done.err)
        if command.startswith("run"):
            runs.append(max((tmp_path / "runs").iterdir(), key=lambda path: path.stat().st_mtime_ns))
        if command.startswith("datasets import"):
            assert re.search(
                r"\d+ kept, \d+ moved, \d+ given another class, \d+ deleted, \d+ added", done.out
            )
    second = read_any(tmp_path / "second.json")
    assert len(second.samples) == 11
    marked = {s.name.rsplit("/", 1)[-1]: len(s.annotations) for s in second.samples}
    assert all(marked[f"{number:02d}.png"] == len(circles(number)) for number in CORRECTED)
    scores = [f1(bmbench, run, tmp_path, f"round-{n}") for n, run in enumerate(runs)]
    assert scores[1] > scores[0], scores


def truths(folder):
    """The twelve pictures, and four more with their truth, which nobody sees."""
    (folder / "images").mkdir()
    (folder / "last").mkdir()
    images, marks = [], []
    for number in range(N_IMAGES + 4):
        last = number >= N_IMAGES
        Image.fromarray(drawn(number).load()).save(
            folder / ("last" if last else "images") / f"{number:02d}.png"
        )
        if last:
            images.append({"id": number, "file_name": f"{number:02d}.png", "width": 256, "height": 256})
            marks += [
                {"image_id": number, "category_id": 1, "circle": circle}
                for circle in circles(number).tolist()
            ]
    value = {"images": images, "categories": [{"id": 1, "name": "cell"}], "annotations": marks}
    (folder / "last.json").write_text(json.dumps(value))


def correct(folder, draw, ending):
    """Eleven of the twelve predicted images: every cell drawn anew."""
    for number in CORRECTED:
        predicted = folder / "editable" / "annotations" / f"{number:02d}{ending}"
        assert predicted.is_file()
        draw(folder / "corrected" / f"{number:02d}{ending}", circles(number))


def test_a_set_beside_files_of_labelme_is_passed_over(bmbench, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    truths(tmp_path)
    for number in range(N_MARKED):
        in_labelme(tmp_path / "images" / f"{number:02d}.json", circles(number))
    for name in ("images/a-first.json", "images/z-last.json"):
        done = bmbench("datasets", "import", "images", name, "--images", "images")
        assert done.code == 0, done.err
    told = bmbench("datasets", "info", "images")
    assert told.code == 0, told.err
    assert "a-first.json, z-last.json" in re.sub(r"\s+", " ", told.out)
    named = bmbench("datasets", "info", "images/z-last.json")
    assert named.code == 0, named.err


def test_nothing_is_written_where_an_import_fails(bmbench, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    truths(tmp_path)
    in_qupath(tmp_path / "corrected" / "00.geojson", circles(0))
    in_qupath(tmp_path / "predicted" / "05.geojson", circles(5))
    in_qupath(tmp_path / "predicted" / "06.geojson", circles(6))
    failed = bmbench(
        "datasets", "import", "corrected", "r2.json", "--images", "images", "--predicted", "predicted"
    )
    assert failed.code == 2
    # One file on one side is taken for the same image only where there is one on the other, too.
    assert "none of the corrected images was predicted" in failed.err
    assert not Path("r2.json").exists()
    shutil.copy("corrected/00.geojson", "predicted/00.geojson")
    done = bmbench(
        "datasets", "import", "corrected", "r2.json", "--images", "images", "--predicted", "predicted"
    )
    assert done.code == 0, done.err
    assert f"{len(circles(0))} kept, 0 moved" in done.out
