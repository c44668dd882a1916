"""Boxes turned about their middle, as CVAT writes them in three formats; corners that count from 0 or 1.

By hand: 200 × 20 around (200, 150), turned by 90°, is 20 × 200 around it; 60 × 40 around (350, 240), turned
by 30°, is 60 cos 30° + 40 sin 30° = 71.9615 wide and 60 sin 30° + 40 cos 30° = 64.6410 high.
"""

import json

import numpy as np
import pytest
from PIL import Image

from bmbench.core.errors import BadInputError
from bmbench.core.geometry import rings_area
from bmbench.datasets.formats.coco.columns import read_ground_truth
from bmbench.datasets.formats.recognise import read_any

BOXES = (
    (100, 140, 300, 160, 90.0),
    (320, 220, 380, 260, 30.0),
    (20, 20, 60, 40, 0.0),
    (20, 20, 60, 40, 180.0),
)
COVERED = (
    (190, 50, 210, 250),
    (350 - 71.961524 / 2, 240 - 64.641016 / 2, 350 + 71.961524 / 2, 240 + 64.641016 / 2),
    (20, 20, 60, 40),
    (20, 20, 60, 40),
)


def picture(folder, name="a.png", size=(400, 300)):
    folder.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (200, 190, 200)).save(folder / name)


def cvat(folder):
    shapes = "".join(
        f'<box label="x" xtl="{x0}" ytl="{y0}" xbr="{x1}" ybr="{y1}" rotation="{turn}"/>'
        for x0, y0, x1, y1, turn in BOXES
    )
    (folder / "annotations.xml").write_text(
        f'<annotations><image id="0" name="a.png" width="400" height="300">{shapes}</image></annotations>'
    )


def coco(folder):
    marks = [
        {
            "id": row, "image_id": 1, "category_id": 1, "bbox": [x0, y0, x1 - x0, y1 - y0], "iscrowd": 0,
            "segmentation": [], "attributes": {"occluded": False, "rotation": turn},
        }
        for row, (x0, y0, x1, y1, turn) in enumerate(BOXES)
    ]  # fmt: skip
    images = [{"id": 1, "file_name": "a.png", "width": 400, "height": 300}]
    value = {"images": images, "categories": [{"id": 1, "name": "x"}], "annotations": marks}
    (folder / "annotations.json").write_text(json.dumps(value))


def voc(folder):
    shapes = "".join(
        f"<object><name>x</name><bndbox><xmin>{x0 + 1}</xmin><ymin>{y0 + 1}</ymin><xmax>{x1}</xmax>"
        f"<ymax>{y1}</ymax></bndbox><attributes><attribute><name>occluded</name><value>False</value></attribute>"
        f"<attribute><name>rotation</name><value>{turn}</value></attribute></attributes></object>"
        for x0, y0, x1, y1, turn in BOXES
    )
    size = "<size><width>400</width><height>300</height></size>"
    (folder / "a.xml").write_text(f"<annotation><filename>a.png</filename>{size}{shapes}</annotation>")


@pytest.mark.parametrize("write", [cvat, coco, voc], ids=lambda write: write.__name__)
def test_a_turned_box_covers_what_it_shows(tmp_path, write):
    picture(tmp_path)
    write(tmp_path)
    (sample,) = read_any(tmp_path).samples
    np.testing.assert_allclose(sample.annotations.box, COVERED, atol=1e-5)
    np.testing.assert_allclose(sample.annotations.xy[1], (350, 240))
    # What is a box again has no outline; the other one keeps its area.
    assert [len(rings) for rings in sample.annotations.contour] == [0, 1, 0, 0]
    assert rings_area(sample.annotations.contour[1]) == pytest.approx(60 * 40)


def test_scoring_reads_turned_boxes_as_training_does(tmp_path):
    coco(tmp_path)
    truth = read_ground_truth(tmp_path / "annotations.json")
    np.testing.assert_allclose(truth.box, COVERED, atol=1e-5)
    np.testing.assert_allclose(truth.size[0], (20, 200))


def test_attributes_of_other_programs_are_passed_over(tmp_path):
    coco(tmp_path)
    path = tmp_path / "annotations.json"
    value = json.loads(path.read_text())
    for mark, other in zip(
        value["annotations"], (["rotation"], {"rotation": "yes"}, None, "rotation"), strict=True
    ):
        mark["attributes"] = other
    path.write_text(json.dumps(value))
    np.testing.assert_allclose(read_ground_truth(path).box[:, :2], [(b[0], b[1]) for b in BOXES])


def voc_set(folder, *corners):
    for number, (x0, y0, x1, y1) in enumerate(corners):
        picture(folder, f"{number}.png", (100, 100))
        box = f"<xmin>{x0}</xmin><ymin>{y0}</ymin><xmax>{x1}</xmax><ymax>{y1}</ymax>"
        (folder / f"{number}.xml").write_text(
            f"<annotation><filename>{number}.png</filename><size><width>100</width><height>100</height></size>"
            f"<object><name>x</name><bndbox>{box}</bndbox></object></annotation>"
        )


@pytest.mark.parametrize(
    ("second", "first", "said"),
    [
        ((5, 5, 9, 9), [10, 10, 20, 20], "count from 1"),
        ((0, 5, 9, 9), [11, 11, 20, 20], "from 0 (there is a corner at 0)"),
        ((5, 5.25, 9, 9), [11, 11, 20, 20], "from 0 (there is a corner between pixels, at 5.25)"),
    ],
)
def test_what_corners_count_from_is_found_for_the_whole_set_and_said(tmp_path, second, first, said):
    voc_set(tmp_path, (11, 11, 20, 20), second)
    content = read_any(tmp_path)
    assert content.samples[0].annotations.box.tolist() == [first]
    assert any(said in note for note in content.notes)
    told = read_any(tmp_path, choices={"first_pixel": "0"})
    assert told.samples[0].annotations.box.tolist() == [[11, 11, 20, 20]]
    with pytest.raises(BadInputError, match="expected 0 or 1"):
        read_any(tmp_path, choices={"first_pixel": "2"})
