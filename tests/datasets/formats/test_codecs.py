"""Label images and VOC boxes."""

import numpy as np
import pytest
import tifffile
from numpy.testing import assert_array_equal
from PIL import Image

from bmbench.core.errors import BadInputError
from bmbench.core.geometry import rings_area
from bmbench.core.types import Role
from bmbench.datasets.formats.label_image import label_annotations, read_labels
from bmbench.datasets.formats.voc import read_voc

VOC = """<annotation><size><width>640</width><height>480</height></size>
<object><name>WBC</name><bndbox><xmin>1</xmin><ymin>2</ymin><xmax>3</xmax><ymax>480</ymax></bndbox></object>
<object><name>RBC</name><bndbox><xmin>10</xmin><ymin>20</ymin><xmax>10</xmax><ymax>20</ymax></bndbox></object>
</annotation>"""


def test_labels_become_objects_in_the_order_of_their_numbers():
    labels = np.zeros((6, 8), int)
    labels[1:5, 2:6] = 300
    labels[2, 3] = 0
    labels[0, 0], labels[5, 7] = 7, 7
    found = label_annotations(labels)
    # Object 7 has two far parts, object 300 is 4 × 4 with a hole of one pixel.
    assert_array_equal(found.box, [[0, 0, 8, 6], [2, 1, 6, 5]])
    assert_array_equal(found.xy, [[4, 3], [4, 3]])
    assert [len(rings) for rings in found.contour] == [2, 2]
    assert [rings_area(rings) for rings in found.contour] == [2, 15]
    assert (found.role == Role.CELL).all()
    assert len(label_annotations(np.zeros((4, 4), int))) == 0
    full = label_annotations(np.full((3, 5), 9))
    assert_array_equal(full.contour[0][0], [[0, 0], [5, 0], [5, 3], [0, 3]])


@pytest.mark.parametrize("step", [2, 1000], ids=["numbers of few pixels", "larger than the image"])
def test_random_label_images_keep_every_area(step):
    for seed in range(5):
        labels = np.random.default_rng(seed).integers(0, 6, (12, 17)) * step
        found = label_annotations(labels)
        numbers, areas = np.unique(labels[labels > 0], return_counts=True)
        assert len(found) == len(numbers)
        assert [rings_area(rings) for rings in found.contour] == areas.tolist()


@pytest.mark.parametrize("kind", [np.uint16, np.int32, np.uint32])
def test_label_files_of_sixteen_and_thirty_two_bits(tmp_path, kind):
    labels = np.array([[0, 1], [300, 65535]], kind)
    tifffile.imwrite(tmp_path / "l.tif", labels)
    assert_array_equal(read_labels(tmp_path / "l.tif"), labels)
    Image.fromarray(labels.astype(np.uint16)).save(tmp_path / "l.png")
    assert_array_equal(read_labels(tmp_path / "l.png", (2, 2)), labels)


def test_what_is_no_label_image_is_named(tmp_path):
    for name, pixels in (("byte", np.ones((4, 4), np.uint8)), ("rgb", np.ones((4, 4, 3), np.uint8))):
        Image.fromarray(pixels).save(tmp_path / f"{name}.png")
        with pytest.raises(BadInputError, match=f"{name}.png: not a label image .*16 or 32 bits"):
            read_labels(tmp_path / f"{name}.png")
    tifffile.imwrite(tmp_path / "minus.tif", np.array([[-1, 2]], np.int32))
    with pytest.raises(BadInputError, match="negative label"):
        read_labels(tmp_path / "minus.tif")
    tifffile.imwrite(tmp_path / "l.tif", np.ones((4, 6), np.uint16))
    with pytest.raises(BadInputError, match=r"expected 4 × 6 px, got 6 × 4 px"):
        read_labels(tmp_path / "l.tif", (4, 6))


def test_voc_pixels_count_from_one_and_include_the_last(tmp_path):
    (tmp_path / "a.xml").write_text(VOC)
    found = read_voc(tmp_path / "a.xml")
    assert (found.width, found.height, found.names) == (640, 480, ("WBC", "RBC"))
    # Pixels 1 to 3 and 2 to 480 are three and 479 pixels; the second box is one pixel.
    assert_array_equal(found.box, [[0, 1, 3, 480], [9, 19, 10, 20]])


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("</annotation>", "", "a.xml: not valid XML"),
        ("annotation>", "kml>", "not a VOC file .*got <kml>"),
        ("<name>RBC</name>", "", "object 2: object without a name"),
        ("<xmin>10</xmin>", "<xmin>ten</xmin>", "object 2: no number <xmin>"),
        ("<ymax>480</ymax>", "", "object 1: no number <ymax>"),
        ("<ymax>480</ymax>", "<ymax>inf</ymax>", "object 1: no number <ymax>"),
        ("<width>640</width>", "", "a.xml: no number <width>"),
        ("<annotation>", '<!DOCTYPE a [<!ENTITY b "c">]><annotation>', "document type definition"),
    ],
)
def test_a_damaged_voc_file_is_named(tmp_path, old, new, message):
    (tmp_path / "a.xml").write_text(VOC.replace(old, new))
    with pytest.raises(BadInputError, match=message):
        read_voc(tmp_path / "a.xml")


def test_no_label_image_is_drawn_of_a_size_that_nobody_has_seen(tmp_path):
    """An annotation file may say anything of an image that is not there."""
    from bmbench.core.types import CELL, Annotations, Sample
    from bmbench.datasets.formats.codec import Content
    from bmbench.datasets.formats.label_image import write

    vast = Sample(
        image_id="a", name="a.png", width=130_000, height=130_000, group="a",
        annotations=Annotations.empty(), load=lambda: None,
    )  # fmt: skip
    with pytest.raises(BadInputError, match="image too large for a label image"):
        write(tmp_path / "a.png", Content(samples=(vast,), categories=(CELL,)))
    assert list(tmp_path.iterdir()) == []
