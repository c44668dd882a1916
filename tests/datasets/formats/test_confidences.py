"""What a detector wrote is no annotation: its confidences are left out, and that is said, in every format."""

import json

import pytest
from PIL import Image

from bmbench.datasets.formats.recognise import read_any


def yolo(folder):
    (folder / "labels").mkdir()
    (folder / "labels" / "a.txt").write_text("0 0.5 0.5 0.2 0.2 0.91\n0 0.1 0.1 0.2 0.1 0.2 0.2 0.75\n")


def qupath(folder):
    ring = [[1, 1], [9, 1], [9, 9], [1, 9], [1, 1]]
    feature = {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [ring]}}
    sure = {"objectType": "detection", "measurements": {"Confidence": 0.9}}
    features = [feature | {"properties": sure}] * 2
    (folder / "a.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": features}))


def coco(folder):
    marks = [{"image_id": 1, "category_id": 1, "bbox": [1, 1, 8, 8], "score": 0.5 + n / 10} for n in range(2)]
    images = [{"id": 1, "file_name": "a.png", "width": 40, "height": 30}]
    value = {"images": images, "categories": [{"id": 1, "name": "x"}], "annotations": marks}
    (folder / "annotations.json").write_text(json.dumps(value))


def labelme(folder):
    shape = {"label": "x", "shape_type": "rectangle", "points": [[1, 1], [9, 9]], "score": 0.8}
    value = {"shapes": [shape, shape, shape | {"score": None}], "imagePath": "a.png"}
    (folder / "a.json").write_text(json.dumps(value))


def cvat(folder):
    box = '<box label="x" xtl="1" ytl="1" xbr="9" ybr="9"><attribute name="score">0.5</attribute></box>'
    image = f'<image id="0" name="a.png" width="40" height="30">{box * 2}</image>'
    (folder / "annotations.xml").write_text(f"<annotations>{image}</annotations>")


def voc(folder):
    box = "<bndbox><xmin>1</xmin><ymin>1</ymin><xmax>9</xmax><ymax>9</ymax></bndbox>"
    item = f"<object><name>x</name><confidence>0.5</confidence>{box}</object>"
    size = "<size><width>40</width><height>30</height></size>"
    (folder / "a.xml").write_text(f"<annotation><filename>a.png</filename>{size}{item * 2}</annotation>")


def csv(folder):
    rows = "image,x,y,radius,score\na.png,9,9,4,0.5\na.png,20,9,4,0.6\na.png,30,9,4,\n"
    (folder / "annotations.csv").write_text(rows)


@pytest.mark.parametrize(
    "write", [yolo, qupath, coco, labelme, cvat, voc, csv], ids=lambda write: write.__name__
)
def test_confidences_are_never_dropped_without_a_word(tmp_path, write):
    Image.new("RGB", (40, 30)).save(tmp_path / "a.png")
    write(tmp_path)
    (told,) = [note for note in read_any(tmp_path).notes if "confidence" in note]
    assert told.endswith("confidence of an object, which annotations have none of (2)")
