"""supervision (roboflow), which many labs use, reads what is written here and writes what is read here."""

import numpy as np
import pytest
import supervision as sv
from numpy.testing import assert_allclose
from PIL import Image

from bmbench.core.progress import Silent
from bmbench.core.types import Annotations, Category
from bmbench.datasets.exchange.convert import convert
from bmbench.datasets.formats.codec import Content
from bmbench.datasets.formats.recognise import read_any
from bmbench.datasets.sets.own_files import own_dataset

CATEGORIES = (Category(id=1, name="lymphocyte"), Category(id=2, name="smudge cell", artefact=True))
FORMATS = ("coco", "voc", "yolo", "yolo-seg")
WIDTH, HEIGHT = 80, 64


@pytest.fixture
def content(tmp_path):
    """Three images with whole-pixel boxes and triangles, the last one without any."""
    rng = np.random.default_rng(3)
    folder = tmp_path / "own" / "images"
    folder.mkdir(parents=True)
    files = []
    for number in range(3):
        Image.new("RGB", (WIDTH, HEIGHT), (number, 0, 0)).save(folder / f"{number}.png")
        low = rng.integers(0, (60, 44), (4 if number < 2 else 0, 2)).astype(float)
        high = low + rng.integers(4, 20, low.shape)
        box = np.concatenate([low, high], axis=1)
        rings = tuple((np.array([[x0, y0], [x1, y0], [x0, y1]]),) for x0, y0, x1, y1 in box)
        marks = Annotations.of(
            xy=(low + high) / 2, box=box, contour=rings, label=np.arange(len(box), dtype=np.int64) % 2
        )
        files.append(marks)
    (tmp_path / "own" / "gt.json").write_text(_coco(files))
    return read_any(str(tmp_path / "own" / "gt.json"))


def _coco(marks):
    import json

    images = [{"id": n, "file_name": f"{n}.png", "width": WIDTH, "height": HEIGHT} for n in range(len(marks))]
    objects = [
        {
            "id": 10 * n + row, "image_id": n, "category_id": int(part.label[row]) + 1, "iscrowd": 0,
            "bbox": [*box[:2], box[2] - box[0], box[3] - box[1]], "area": 1.0,
            "segmentation": [part.contour[row][0].ravel().tolist()],
        }
        for n, part in enumerate(marks)
        for row, box in enumerate(part.box.tolist())
    ]  # fmt: skip
    kinds = [
        {"id": c.id, "name": c.name, "supercategory": "artefact" if c.artefact else "cell"}
        for c in CATEGORIES
    ]
    return json.dumps({"images": images, "annotations": objects, "categories": kinds})


def theirs(name, folder):
    """supervision's reading of a converted folder: boxes and class names by image, in order of the boxes."""
    images = str(folder / "images")
    if name == "coco":
        found = sv.DetectionDataset.from_coco(images, str(next(folder.glob("*.json"))))
    elif name == "voc":
        found = sv.DetectionDataset.from_pascal_voc(images, str(next(folder.glob("**/*.xml")).parent))
    else:
        found = sv.DetectionDataset.from_yolo(images, str(folder / "labels"), str(folder / "data.yaml"))
    return {
        path.rsplit("/", 1)[-1]: ordered(marks.xyxy, [found.classes[k] for k in marks.class_id])
        for path, _, marks in found
    }


def ours(content: Content):
    names = [category.name for category in content.categories]
    return {
        sample.name.rsplit("/", 1)[-1]: ordered(
            sample.annotations.box, [names[row] for row in sample.annotations.label]
        )
        for sample in content.samples
    }


def ordered(box, names):
    order = np.lexsort(np.asarray(box, float).reshape(-1, 4).T)
    return np.asarray(box, float).reshape(-1, 4)[order], [names[row] for row in order]


def assert_same(found, expected):
    assert sorted(found) == sorted(expected)
    for name, (box, kinds) in expected.items():
        # YOLO keeps six decimals of a fraction of the image; supervision stores single precision.
        assert_allclose(found[name][0], box, atol=1e-3)
        assert found[name][1] == kinds


@pytest.mark.parametrize("name", FORMATS)
def test_supervision_reads_what_is_written(tmp_path, content, name):
    convert(content, tmp_path / "out", to=name, progress=Silent())
    assert_same(theirs(name, tmp_path / "out"), ours(content))


@pytest.mark.parametrize("name", ["coco", "voc", "yolo"])
def test_what_supervision_writes_is_read(tmp_path, content, name):
    images = [str(sample.file) for sample in content.samples]
    marks = {
        str(sample.file): sv.Detections(
            xyxy=sample.annotations.box.astype(np.float32), class_id=sample.annotations.label
        )
        if len(sample.annotations)
        else sv.Detections.empty()
        for sample in content.samples
    }
    classes = [category.name for category in content.categories]
    out = tmp_path / "theirs"
    dataset = sv.DetectionDataset(classes=classes, images=images, annotations=marks)
    if name == "coco":
        dataset.as_coco(str(out / "images"), str(out / "gt.json"))
    elif name == "voc":
        dataset.as_pascal_voc(str(out / "images"), str(out / "annotations"))
    else:
        dataset.as_yolo(str(out / "images"), str(out / "labels"), str(out / "data.yaml"))
    found = read_any(f"{name}:{out}")
    assert_same(ours(found), ours(content))
    assert own_dataset(f"{name}:{out}").card.annotation == "boxes"
