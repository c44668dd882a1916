"""DICOM annotations of any slide, which highdicom writes."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from bmbench.core.errors import BadInputError
from bmbench.datasets.formats.recognise import read_any, sniff
from tests.benchmark.prediction.dicom_slide import OF_A_DEVICE, write_dicom_slide

pytest.importorskip("pydicom", reason="the extra wsi reads DICOM")
hd = pytest.importorskip("highdicom", reason="it writes the annotations, and has no wheel for every Python")

SQUARE = [[10, 20], [30, 20], [30, 40], [10, 40]]
TRIANGLE = [[50.5, 50], [80, 50], [50.5, 90]]
CIRCLE = [[100, 60], [120, 60], [110, 50], [110, 70]]
OVAL = [[100, 100], [100, 140], [90, 120], [110, 120]]
GRAPHICS = {
    "cells": ("POLYGON", [SQUARE, TRIANGLE]),
    "round": ("ELLIPSE", [CIRCLE, OVAL]),
    "boxes": ("RECTANGLE", [SQUARE]),
    "dots": ("POINT", [[[5.5, 6.5]], [[7, 8]]]),
    "lines": ("POLYLINE", [[[1, 1], [5, 5], [9, 1]]]),
}


def annotate(path, slide, graphics, double=False):
    from pydicom import dcmread
    from pydicom.sr.coding import Code

    groups = [
        hd.ann.AnnotationGroup(
            number=number,
            uid=hd.UID(),
            label=label,
            annotated_property_category=Code("91723000", "SCT", "Anatomical structure"),
            annotated_property_type=Code("414387006", "SCT", "Structure of haematological system"),
            graphic_type=kind,
            graphic_data=[np.array(one, np.float64 if double else np.float32) for one in drawn],
            algorithm_type="MANUAL",
        )
        for number, (label, (kind, drawn)) in enumerate(graphics.items(), start=1)
    ]
    file = hd.ann.MicroscopyBulkSimpleAnnotations(
        source_images=[dcmread(slide, stop_before_pixels=True)],
        annotation_coordinate_type="2D",
        annotation_groups=groups,
        series_instance_uid=hd.UID(),
        series_number=33,
        sop_instance_uid=hd.UID(),
        **OF_A_DEVICE,
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    file.save_as(path)


@pytest.fixture
def study(tmp_path):
    """A slide of 400 × 300 px with two levels, in a folder of its own."""
    pixels = np.full((300, 400, 3), 200, np.uint8)
    write_dicom_slide(tmp_path / "SM_1", [pixels, pixels[::2, ::2]], um_per_px=0.25, patient="P7")
    return tmp_path


@pytest.mark.parametrize("double", [False, True])
def test_every_graphic_in_pixels_of_the_slide(study, double):
    annotate(study / "ANN_1" / "a.dcm", study / "SM_1" / "0.dcm", GRAPHICS, double)
    assert sniff(study) == sniff(study / "ANN_1" / "a.dcm") == "dicom"
    content = read_any(study)
    (sample,) = content.samples
    assert (sample.name, sample.width, sample.height, sample.group) == ("SM_1/0.dcm", 400, 300, "P7")
    assert sample.um_per_px == pytest.approx(0.25)
    names = [content.categories[label].name for label in sample.annotations.label]
    assert names == ["cells", "cells", "round", "round", "boxes", "dots", "dots"]
    boxes = [
        [10, 20, 30, 40], [50.5, 50, 80, 90], [100, 50, 120, 70], [90, 100, 110, 140], [10, 20, 30, 40],
        [5.5, 6.5, 5.5, 6.5], [7, 8, 7, 8],
    ]  # fmt: skip
    assert_allclose(sample.annotations.box, boxes, atol=1e-9)
    assert sample.annotations.circle[2].tolist() == [110, 60, 10]
    assert [len(rings) for rings in sample.annotations.contour] == [1, 1, 0, 1, 0, 0, 0]
    assert any("left out: line" in note for note in content.notes)
    assert sample.load().shape == (300, 400, 3)


def test_files_of_one_slide_are_one_image_and_a_group_may_be_its_regions(study):
    annotate(study / "ANN_1" / "a.dcm", study / "SM_1" / "0.dcm", {"boxes": ("RECTANGLE", [SQUARE])})
    region = [[0, 0], [100, 0], [100, 80], [0, 80]]
    annotate(study / "ANN_2" / "b.dcm", study / "SM_1" / "0.dcm", {"roi": ("RECTANGLE", [region])})
    (sample,) = read_any(study).samples
    assert len(sample.annotations) == 2
    (region,) = read_any(study, choices={"regions": "roi", "margin_px": "0"}).samples
    assert (region.width, region.height) == (100, 80)
    assert_allclose(region.annotations.box, [[10, 20, 30, 40]])


def test_annotations_of_a_slide_that_is_not_here(study, tmp_path_factory):
    annotate(study / "ANN_1" / "a.dcm", study / "SM_1" / "0.dcm", {"boxes": ("RECTANGLE", [SQUARE])})
    # Coordinates of a smaller level are no pixels of the slide.
    annotate(study / "ANN_2" / "b.dcm", study / "SM_1" / "1.dcm", {"boxes": ("RECTANGLE", [SQUARE])})
    assert any("1 annotation files whose slide is not here (b.dcm)" in note for note in read_any(study).notes)
    alone = tmp_path_factory.mktemp("alone") / "in" / "a.dcm"
    annotate(alone, study / "SM_1" / "0.dcm", {"boxes": ("RECTANGLE", [SQUARE])})
    with pytest.raises(BadInputError, match=r"no slide of these annotations.*--data"):
        read_any(alone)
    assert len(read_any(alone, study).samples) == 1


def test_beginnings_of_polygons_that_are_none(study):
    from pydicom import dcmread

    file = study / "ANN_1" / "a.dcm"
    annotate(file, study / "SM_1" / "0.dcm", {"cells": ("POLYGON", [SQUARE, TRIANGLE])})
    value = dcmread(file)
    value.AnnotationGroupSequence[0].LongPrimitivePointIndexList = np.array([1, 4], "<u4").tobytes()
    value.save_as(file)
    with pytest.raises(BadInputError, match="not the beginnings of its graphics"):
        read_any(study)
