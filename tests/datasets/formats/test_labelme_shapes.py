"""What LabelMe and its kin draw: places to ignore, boxes that are turned."""

import json

import pytest
from PIL import Image

from bmbench.core.errors import BadInputError
from bmbench.core.types import Role
from bmbench.datasets.formats.recognise import read_any

CORNERS = [[20, 10], [40, 30], [30, 40], [10, 20]]


def read(folder, *shapes):
    Image.new("RGB", (64, 48)).save(folder / "a.png")
    text = json.dumps({"shapes": list(shapes), "imagePath": "a.png", "imageWidth": 64, "imageHeight": 48})
    (folder / "a.json").write_text(text)
    return read_any(folder)


def shape(label, kind="polygon", points=CORNERS):
    return {"label": label, "shape_type": kind, "points": points}


def test_the_label_ignore_is_an_ignored_region(tmp_path):
    content = read(tmp_path, shape("blast"), shape("__ignore__"))
    annotations = content.samples[0].annotations
    assert annotations.role.tolist() == [Role.CELL, Role.IGNORE]
    assert annotations.region.tolist() == [False, True]
    assert "__ignore__" not in [category.name for category in content.categories]


@pytest.mark.parametrize("kind", ["rotation", "oriented_rectangle", "quadrilateral"])
def test_turned_boxes_are_their_corners(kind, tmp_path):
    content = read(tmp_path, shape("blast", kind))
    annotations = content.samples[0].annotations
    assert annotations.box.tolist() == [[10, 10, 40, 40]]
    assert annotations.contour[0][0].tolist() == CORNERS
    assert content.notes == ()


def test_a_turned_box_has_corners(tmp_path):
    with pytest.raises(BadInputError, match="rotation of 2 points"):
        read(tmp_path, shape("blast", "rotation", CORNERS[:2]))
