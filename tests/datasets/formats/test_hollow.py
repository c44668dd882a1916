"""Long files in which nothing stands: no reader goes back over what it has read, or raises foreign errors."""

import contextlib
import time

import pytest
from PIL import Image

from bmbench.core.errors import BadInputError, BmbenchError
from bmbench.datasets.formats import FORMATS
from bmbench.datasets.formats.coco.columns import read_ground_truth
from bmbench.datasets.formats.coco.samples import read_coco

LENGTH = 300_000
HOLLOW = (
    ("yolo", "data.yaml", lambda n: "\n" * n),
    ("yolo", "data.yaml", lambda n: "names:" + "\n" * n),
    ("yolo", "data.yaml", lambda n: "names:\n" + "  0: a\n" + " " * n + "x"),
    ("yolo", "data.yaml", lambda n: "names: [" + "a," * (n // 2) + "]"),
    ("yolo", "data.yaml", lambda n: "names: '" + "''" * (n // 2)),
    ("yolo", "data.yaml", lambda n: 'names: "' + "\\\\" * (n // 2)),
    ("yolo", "data.yaml", lambda n: "#" * n),
    ("yolo", "data.yaml", lambda n: "- " * n),
    ("yolo", "data.yaml", lambda n: "? " * n),
    ("yolo", "data.yaml", lambda n: "{" * n),
    ("yolo", "data.yaml", lambda n: "a: " * n),
    ("yolo", "data.yaml", lambda n: "a: &" + "a" * n),
    ("yolo", "labels/a.txt", lambda n: " " * n),
    ("yolo", "labels/a.txt", lambda n: "0 " * n),
    ("yolo", "labels/a.txt", lambda n: "0 0.5 0.5 0.1 0.1\n" * (n // 20)),
    ("coco", "annotations.json", lambda n: '{"images": [' + " " * n),
    (
        "coco",
        "annotations.json",
        lambda n: '{"images": [], "annotations": [], "categories": []}' + " " * n + "x",
    ),
    ("coco", "annotations.json", lambda n: '{"images":' * (n // 10)),
    ("coco", "annotations.json", lambda n: '{"annotations": [' + "{}" + "}    " * (n // 5)),
    ("coco", "annotations.json", lambda n: '{"annotations": [' + "{},    " * (n // 7)),
    ("coco", "annotations.json", lambda n: '{"annotations": ["' + "\\" * n),
    ("coco", "annotations.json", lambda n: '{"annotations": ["' + '\\"' * (n // 2)),
    ("coco", "annotations.json", lambda n: '{"annotations": [' + "[" * n),
    ("coco", "annotations.json", lambda n: '{"annotations": [{"bbox": [' + "1," * (n // 2)),
    ("coco", "annotations.json", lambda n: '{"annotations": [' + '{"a":' * (n // 5)),
    (
        "coco",
        "annotations.json",
        lambda n: '{"images": [], "annotations": [], "categories": [], "x": ' + "9" * n + "}",
    ),
    ("coco", "annotations.json", lambda n: "".join(f'{{"k{i}":' for i in range(n // 8))),
    (
        "coco",
        "annotations.json",
        lambda n: (
            '{"images":[{"id":1,"file_name":"'
            + "a/" * (n // 2)
            + '","width":9,"height":9}],"annotations":[],"categories":[]}'
        ),
    ),
    ("qupath", "annotations/a.geojson", lambda n: "[" + "{" * n),
    ("qupath", "annotations/a.geojson", lambda n: '{"features": [' + '"\\"' * (n // 3)),
    ("qupath", "annotations/a.geojson", lambda n: "[" + "{}," * (n // 3)),
    (
        "qupath",
        "annotations/a.geojson",
        lambda n: (
            '[{"type":"Feature","geometry":{"type":"Polygon","coordinates":[['
            + "[1,2]," * (n // 6)
            + '[1,2]]]},"properties":{}}]'
        ),
    ),
    (
        "qupath",
        "annotations/a.geojson",
        lambda n: (
            '[{"type":"Feature","geometry":{"type":"Polygon","coordinates":['
            + "[[1,2],[3,4],[5,9],[1,2]]," * (n // 26)
            + '[[1,2],[3,4],[5,9],[1,2]]]},"properties":{}}]'
        ),
    ),
    ("qupath", "annotations/a.geojson", lambda n: '{"features":' * (n // 12)),
    ("qupath", "annotations/a.geojson", lambda n: '{"features": [' + " " * n),
    (
        "labelme",
        "annotations/a.json",
        lambda n: (
            '{"shapes": ['
            + '{"label":"a","points":[[1,2],[3,4],[5,9]],"shape_type":"polygon"},' * (n // 70)
            + "{}]}"
        ),
    ),
    ("labelme", "annotations/a.json", lambda n: '{"shapes":' * (n // 10)),
    ("voc", "annotations/a.xml", lambda n: "<annotation>" + "<object/>" * (n // 9) + "</annotation>"),
    (
        "voc",
        "annotations/a.xml",
        lambda n: "<annotation " + " ".join(f'a{i}="1"' for i in range(n // 10)) + "/>",
    ),
    ("voc", "annotations/a.xml", lambda n: "<annotation><!--" + "-" * n),
    ("voc", "annotations/a.xml", lambda n: "<" * n),
    ("voc", "annotations/a.xml", lambda n: "<annotation>" + "&amp;" * (n // 5) + "</annotation>"),
    (
        "cvat",
        "annotations/a.xml",
        lambda n: "<annotations><image name='a.png' width='9' height='9'>" + "<box/>" * (n // 6),
    ),
    (
        "cvat",
        "annotations/a.xml",
        lambda n: (
            "<annotations><image name='a.png' width='9' height='9'><polygon label='a' points='"
            + "1,2;" * (n // 4)
            + "'/></image></annotations>"
        ),
    ),
    ("csv", "annotations.csv", lambda n: "image,x,y\n" + "," * n),
    ("csv", "annotations.csv", lambda n: "image,x,y\n" + '"' * n),
    ("csv", "annotations.csv", lambda n: "image," * (n // 6) + "x,y\na.png,1,2\n"),
    ("csv", "annotations.csv", lambda n: "image,x,y\n" + "a.png,1,2\n" * (n // 10)),
    ("csv", "annotations.csv", lambda n: "image,x,y\n" + "\n" * n),
)


@pytest.fixture
def home(tmp_path):
    """A data set of one image, and of one label where a format wants one beside its list of classes."""
    for folder in ("images", "labels", "annotations"):
        (tmp_path / folder).mkdir()
    Image.new("RGB", (9, 9)).save(tmp_path / "images" / "a.png")
    return tmp_path


@pytest.mark.parametrize(("name", "file", "text"), HOLLOW)
def test_long_and_hollow_files_take_no_time(home, name, file, text):
    """Seconds of work, not of a busy machine: 20 at least where each sign is looked at again for each one."""
    if file == "data.yaml":
        (home / "labels" / "a.txt").write_text("0 0.5 0.5 0.1 0.1\n")
    (home / file).write_text(text(LENGTH))
    began = time.process_time()
    with contextlib.suppress(BmbenchError):
        FORMATS.get(name).read(home, None)
    assert time.process_time() - began < 3


def test_a_name_of_two_class_numbers_is_one_class(home):
    """Common in the wild: ``names: [cell, cell]``."""
    (home / "data.yaml").write_text("names: [cell, blast, cell]\n")
    (home / "labels" / "a.txt").write_text("2 0.5 0.5 0.1 0.1\n0 0.2 0.2 0.1 0.1\n1 0.7 0.7 0.1 0.1\n")
    content = FORMATS.get("yolo").read(home, None)
    names = [content.categories[label].name for label in content.samples[0].annotations.label]
    assert names == ["cell", "cell", "blast"]
    assert [category.name for category in content.categories] == ["cell", "blast"]


@pytest.mark.parametrize("width", ["1" + "0" * 400, "1e308", "1000000001", "0.5"])
def test_an_image_of_no_sensible_size_is_refused_with_its_place(tmp_path, width):
    """What it says of itself ends in arithmetic, of areas and of other formats."""
    image = f'{{"id":1,"file_name":"a.png","width":{width},"height":9,"um_per_px":0.25}}'
    path = tmp_path / "a.json"
    path.write_text(f'{{"images":[{image}],"annotations":[],"categories":[]}}')
    for read in (read_ground_truth, read_coco):
        with pytest.raises(BadInputError, match=r"images\[0\]\.width"):
            read(path)
