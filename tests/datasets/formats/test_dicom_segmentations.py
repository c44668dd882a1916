"""DICOM segmentations of slides, which highdicom writes from masks that are known here."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import ndimage

from bmbench.core.errors import BadInputError, UnknownNameError
from bmbench.datasets.formats.label_image import draw_labels
from bmbench.datasets.formats.recognise import read_any, sniff
from tests.benchmark.prediction.dicom_slide import OF_A_DEVICE, TILE, write_dicom_slide

from .other_tools import dicom_masks

pytest.importorskip("pydicom", reason="the extra wsi reads DICOM")

SHAPE = (150, 200)
NAMES = ("blast", "smudge artefact", "nothing")


def masks():
    """(h, w) numbers: two cells of class 1, one over the edge of a tile, with a hole; one of class 2."""
    numbers = np.zeros(SHAPE, np.uint8)
    numbers[10:20, 30:50] = 1
    numbers[100:140, TILE - 8 : TILE + 12] = 1
    numbers[110:120, TILE - 2 : TILE + 2] = 0
    numbers[145:, 190:] = 2
    return numbers


@pytest.fixture
def study(tmp_path):
    """A slide of 200 × 150 px; highdicom writes its segmentations, and has no wheel for every Python."""
    pytest.importorskip("highdicom", reason="it writes the segmentations, and has no wheel for every Python")
    pixels = np.full((*SHAPE, 3), 200, np.uint8)
    write_dicom_slide(tmp_path / "SM_1", [pixels], um_per_px=0.25, patient="P7")
    return tmp_path


def described(number):
    import highdicom as hd
    from pydicom.sr.coding import Code

    return hd.seg.SegmentDescription(
        segment_number=number,
        segment_label=NAMES[number - 1],
        segmented_property_category=Code("91723000", "SCT", "Anatomical structure"),
        segmented_property_type=Code("84640000", "SCT", "Nucleus"),
        algorithm_type="MANUAL",
    )


def segment(study, pixels, kind="BINARY", **more):
    """A segmentation of the slide; `pixels` are of (h, w) numbers, or (h, w, segments) shares."""
    import highdicom as hd
    from pydicom import dcmread

    file = hd.seg.Segmentation(
        source_images=[dcmread(study / "SM_1" / "0.dcm")],
        pixel_array=pixels[None],
        segmentation_type=kind,
        segment_descriptions=[described(number) for number in (1, 2, 3)],
        series_instance_uid=hd.UID(),
        series_number=2,
        sop_instance_uid=hd.UID(),
        **OF_A_DEVICE,
        tile_pixel_array=True,
        tile_size=(TILE, TILE),
        **more,
    )
    path = study / "SEG_1" / "s.dcm"
    path.parent.mkdir(exist_ok=True)
    file.save_as(path)
    return path


def of_classes(content):
    """(h, w) the class of each pixel, from 1 on."""
    found = np.zeros(SHAPE, np.int64)
    own = content.samples[0].annotations
    for row, category in enumerate(content.categories):
        found[draw_labels(own.take(own.label == row), SHAPE) > 0] = NAMES.index(category.name) + 1
    return found


WAYS = {
    "sparse": {},
    "all tiles": {"omit_empty_frames": False},
    "in order": {"dimension_organization_type": "TILED_FULL", "omit_empty_frames": False},
    "a map": {"kind": "LABELMAP"},
    "a map in order": {
        "kind": "LABELMAP",
        "dimension_organization_type": "TILED_FULL",
        "omit_empty_frames": False,
    },
    "shares": {"kind": "FRACTIONAL", "fractional_type": "OCCUPANCY"},
}


@pytest.mark.parametrize("way", WAYS)
def test_every_pixel_of_every_kind_of_segmentation(study, way):
    path = segment(study, masks(), **WAYS[way])
    assert sniff(study) == sniff(path) == "dicom"
    content = read_any(study)
    (sample,) = content.samples
    assert (sample.name, sample.width, sample.height, sample.group) == ("SM_1/0.dcm", 200, 150, "P7")
    assert of_classes(content).tolist() == masks().tolist()
    assert len(sample.annotations) == sum(ndimage.label(masks() == number)[1] for number in (1, 2)) == 3
    artefacts = [category.name for category in content.categories if category.artefact]
    assert artefacts == ["smudge artefact"]
    assert any("2 segments are 3 objects" in note for note in content.notes)
    together = read_any(study, choices={"parts": "together"})
    assert len(together.samples[0].annotations) == 2
    assert of_classes(together).tolist() == masks().tolist()


def test_shares_count_from_a_half_or_from_what_is_asked(study):
    """Of 255: 0.4 is 102, and 127 lies below a half."""
    shares = np.zeros((*SHAPE, 3))
    shares[10:20, 10:20, 0] = 0.4
    shares[20:30, 10:20, 0] = 0.5
    segment(study, shares, kind="FRACTIONAL", fractional_type="PROBABILITY", max_fractional_value=255)
    content = read_any(study)
    # 0.5 of 255 is 127.5, which is stored as 128.
    assert content.samples[0].annotations.box.tolist() == [[10, 20, 20, 30]]
    assert any("probability from 0.5 on" in note for note in content.notes)
    lower = read_any(study, choices={"level": "0.4"}).samples[0].annotations
    assert lower.box.tolist() == [[10, 10, 20, 30]]
    for wrong in ("0", "2", "nan", "half"):
        with pytest.raises(BadInputError, match="level"):
            read_any(study, choices={"level": wrong})
    with pytest.raises(UnknownNameError, match="apart"):
        read_any(study, choices={"parts": "apat"})


def test_segments_stand_beside_graphics(study):
    segment(study, masks())
    from .test_dicom_annotations import SQUARE, annotate

    annotate(study / "ANN_1" / "a.dcm", study / "SM_1" / "0.dcm", {"boxes": ("RECTANGLE", [SQUARE])})
    content = read_any(study)
    names = [content.categories[label].name for label in content.samples[0].annotations.label]
    assert sorted(names) == ["blast", "blast", "boxes", "smudge artefact"]
    assert_allclose(content.samples[0].annotations.box[names.index("boxes")], [10, 20, 30, 40])


def damaged(study, change):
    from pydicom import dcmread

    path = segment(study, masks())
    value = dcmread(path)
    change(value)
    value.save_as(path)


def other_size(value):
    value.TotalPixelMatrixRows = SHAPE[0] + 1


def outside(value):
    value.PerFrameFunctionalGroupsSequence[0].PlanePositionSlideSequence[
        0
    ].ColumnPositionInTotalImagePixelMatrix = -5


def unnamed(value):
    value.PerFrameFunctionalGroupsSequence[0].SegmentIdentificationSequence[0].ReferencedSegmentNumber = 9


def vast(value):
    value.Rows = value.Columns = 60_000


def short(value):
    value.PixelData = value.PixelData[:8]


def no_slide(value):
    del value.TotalPixelMatrixColumns


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (other_size, "another size than its slide"),
        (outside, "damaged segmentation"),
        (unnamed, "damaged segmentation"),
        (vast, "segmentation too large"),
        (short, "damaged segmentation"),
        (no_slide, "of no slide"),
    ],
)
def test_segmentations_that_make_no_sense_are_refused(study, change, words):
    damaged(study, change)
    with pytest.raises(BadInputError, match=words):
        read_any(study)


def test_a_segmentation_of_something_else_says_what_is_missing(study):
    def elsewhere(value):
        value.ReferencedSeriesSequence[0].ReferencedInstanceSequence[0].ReferencedSOPInstanceUID = "1.2.3"

    damaged(study, elsewhere)
    with pytest.raises(BadInputError, match="1 other slides"):
        read_any(study)


@pytest.mark.parametrize("kind", ["BINARY", "FRACTIONAL", "LABELMAP"])
def test_a_segmentation_written_tag_by_tag(tmp_path, kind):
    content = read_any(dicom_masks(tmp_path, kind))
    assert [category.name for category in content.categories] == ["WBC"]
    assert content.samples[0].annotations.box.tolist() == [[16, 6, 24, 14]]
