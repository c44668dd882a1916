"""Boxes on DICOM slides as the Imaging Data Commons publishes them; highdicom writes the annotations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from bmbench.core.dataset import LoadRequest, Split
from bmbench.core.errors import BadInputError
from bmbench.core.types import Role, Sample
from bmbench.datasets import DATASETS
from bmbench.datasets.formats.dicom_ann import read_bulk_annotations
from bmbench.datasets.slides.dicom_series import dicom_files

from .dicom_slide import write_dicom_slide

REGIONS = "Monolayer regions of interest for cell classification"
CONSENSUS = "Consensus: cell bounding boxes with cell type labels"
UNLABELLED = "Unlabeled cell bounding boxes"
SESSION = "Session 1: Cell bounding boxes with cell type labels"
Boxes = list[tuple[float, float, float, float]]


def write_ann(path: Path, slide: Path, description: str, groups: dict[str, Boxes], **changes: Any) -> None:
    """An annotation file of rectangles on the slide's full resolution, written by highdicom."""
    import highdicom as hd
    from pydicom import dcmread
    from pydicom.sr.coding import Code

    def group(number: int, label: str, boxes: Boxes) -> Any:
        corners = [np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], np.float32) for x0, y0, x1, y1 in boxes]
        return hd.ann.AnnotationGroup(
            number=number,
            uid=hd.UID(),
            label=label,
            annotated_property_category=Code("91723000", "SCT", "Anatomical structure"),
            annotated_property_type=Code("414387006", "SCT", "Structure of haematological system"),
            graphic_type=hd.ann.GraphicTypeValues.RECTANGLE,
            graphic_data=corners,
            algorithm_type=hd.ann.AnnotationGroupGenerationTypeValues.MANUAL,
        )

    source = dcmread(slide / "0.dcm", stop_before_pixels=True)
    file = hd.ann.MicroscopyBulkSimpleAnnotations(
        source_images=[source],
        annotation_coordinate_type="2D",
        annotation_groups=[group(n, *item) for n, item in enumerate(groups.items(), start=1)],
        series_instance_uid=hd.UID(),
        series_number=33,
        sop_instance_uid=hd.UID(),
        instance_number=1,
        series_description=description,
        manufacturer="a",
        manufacturer_model_name="b",
        software_versions="1",
        device_serial_number="1",
    )
    for keyword, value in changes.items():
        place = file.AnnotationGroupSequence[0] if keyword in file.AnnotationGroupSequence[0] else file
        setattr(place, keyword, value)
    path.parent.mkdir(parents=True, exist_ok=True)
    file.save_as(path)


Y, X = np.mgrid[:300, :400]
PIXELS = np.stack([X / 2, Y / 2, 255 - (X + Y) / 4], axis=2).astype(np.uint8)


def write_patient(folder: Path, patient: str) -> Path:
    """One slide of 400 × 300 px with two regions, in the folders that idc-index makes."""
    slide = folder / patient / "1.2.3" / "SM_1"
    write_dicom_slide(slide, [PIXELS, PIXELS[::2, ::2]], um_per_px=0.25, patient=patient)
    ann = folder / patient / "1.2.3" / "ANN_1"
    write_ann(
        ann / "rois.dcm", slide, REGIONS, {"region_of_interest": [(100, 80, 200, 160), (0, 200, 90, 300)]}
    )
    consensus: dict[str, Boxes] = {
        "lymphocyte": [(110, 90, 130, 110), (180.5, 140, 204.5, 160)],
        "smudge_cell": [(150, 100, 190, 140)],
    }
    write_ann(ann / "consensus.dcm", slide, CONSENSUS, consensus)
    # The first box stands in both; the last one lies in no region.
    loose: dict[str, Boxes] = {
        "haematological_structure": [(110, 90, 130, 110), (10, 210, 30, 230), (300, 10, 320, 30)]
    }
    write_ann(ann / "boxes.dcm", slide, UNLABELLED, loose)
    write_ann(ann / "session.dcm", slide, SESSION, {"monocyte": [(115, 95, 135, 115)]})
    return slide


@pytest.fixture(scope="module")
def children(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("idc") / "bonemarrowwsi_pediatricleukemia"
    for number in range(4):
        write_patient(folder, f"BMD{number}")
    return folder


def load(folder: Path, **options: str) -> Split:
    return DATASETS.get("bonemarrow_wsi").load(LoadRequest(data=folder, options=options))


def first_two(split: Split) -> tuple[Sample, Sample]:
    samples = [s for part in split.samples.values() for s in part if s.group == "BMD2"]
    assert len(samples) == 2
    return samples[0], samples[1]


def names(split: Split, sample: Sample) -> list[str]:
    cells = sample.annotations.label[~sample.annotations.region]
    return [split.categories[row].name for row in cells]


def test_a_region_is_a_sample_with_its_boxes_and_an_ignored_margin(children: Path) -> None:
    split = load(children, margin_px="20")
    upper, _ = first_two(split)
    # The region 100–200 × 80–160 with 20 px around it: 140 × 120 px from (80, 60) on.
    assert (upper.width, upper.height) == (140, 120)
    assert names(split, upper) == ["lymphocyte", "lymphocyte", "smudge_cell"]
    marked = upper.annotations
    assert_array_equal(marked.box[:3], [[30, 30, 50, 50], [100.5, 80, 124.5, 100], [70, 40, 110, 80]])
    assert marked.role[:3].tolist() == [Role.CELL, Role.CELL, Role.ARTEFACT]
    assert_array_equal(
        marked.box[3:], [[0, 0, 140, 20], [0, 100, 140, 120], [0, 0, 20, 120], [120, 0, 140, 120]]
    )
    assert marked.region[3:].all()
    assert upper.um_per_px == pytest.approx(0.25)


def test_a_margin_ends_at_the_edge_of_the_slide(children: Path) -> None:
    split = load(children, margin_px="20")
    _, lower = first_two(split)
    # The region 0–90 × 200–300 has room above and to the right only.
    assert (lower.width, lower.height) == (110, 120)
    assert names(split, lower) == ["haematological_structure"]
    assert_array_equal(lower.annotations.box, [[10, 30, 30, 50], [0, 0, 110, 20], [90, 0, 110, 120]])


def test_pixels_are_those_of_the_region(children: Path) -> None:
    upper, lower = first_two(load(children, margin_px="20"))
    # JPEG tiles of a smooth slide come back within a few grey levels.
    assert_allclose(upper.load().astype(int), PIXELS[60:180, 80:220].astype(int), atol=6)
    assert_allclose(lower.load().astype(int), PIXELS[180:300, 0:110].astype(int), atol=6)


def test_patients_stay_whole_and_what_is_left_out_is_named(children: Path) -> None:
    split = load(children)
    assert sorted(len({s.group for s in part}) for part in split.samples.values()) == [1, 1, 1, 1]
    outside = [fault for fault in split.faults if "outside all regions" in fault]
    assert outside[0] == "patient BMD0: 1 boxes outside all regions of interest are left out"
    assert len(split.faults) == 4
    # Cells of a patient: two of 20 × 20 and 24 × 20 px in one region, one of 20 × 20 in the other; a
    # third of their mean, 20.67 px, is 6.9 px. Artefacts do not count.
    assert split.radius_px == 6.9


def test_highdicom_reads_the_same_rectangles(children: Path) -> None:
    import highdicom as hd

    path = children / "BMD1" / "1.2.3" / "ANN_1" / "consensus.dcm"
    theirs = hd.ann.annread(path)
    ours = read_bulk_annotations(path)
    assert [group.label for group in ours.groups] == [g.label for g in theirs.get_annotation_groups()]
    for group, other in zip(ours.groups, theirs.get_annotation_groups(), strict=True):
        corners = np.array(other.get_graphic_data(coordinate_type="2D"))
        assert_array_equal(group.box[:, :2], corners.min(axis=1))
        assert_array_equal(group.box[:, 2:], corners.max(axis=1))


def test_annotations_of_slides_that_are_not_here_are_named(children: Path, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(children, tmp_path / "all")
    slide = write_patient(tmp_path / "all", "BMD9")
    shutil.rmtree(slide)
    assert "annotations of 1 slides that are not here are left out" in load(tmp_path / "all").faults


@pytest.mark.parametrize(
    ("description", "groups", "changes", "sentence"),
    [
        (CONSENSUS, {"unicorn": [(1, 1, 2, 2)]}, {}, "unknown class"),
        ("Something else", {"lymphocyte": [(1, 1, 2, 2)]}, {}, "series of another kind"),
        (REGIONS, {"region_of_interest": [(390, 10, 420, 30), (500, 5, 600, 9)]}, {}, "outside the slide"),
        (CONSENSUS, {"lymphocyte": [(1, 1, 2, 2)]}, {"AnnotationCoordinateType": "3D"}, "not in pixels"),
        (CONSENSUS, {"lymphocyte": [(1, 1, 2, 2)]}, {"GraphicType": "POINT"}, "another graphic"),
        (CONSENSUS, {"lymphocyte": [(1, 1, 2, 2)]}, {"NumberOfAnnotations": 2}, "not four corners"),
        (CONSENSUS, {"lymphocyte": [(1, 1, 2, 2e9)]}, {}, "no sensible size"),
    ],
)
def test_other_content_is_one_sentence(
    tmp_path: Path, description: str, groups: dict[str, Boxes], changes: dict[str, Any], sentence: str
) -> None:
    slide = write_patient(tmp_path, "one")
    write_ann(tmp_path / "one" / "more.dcm", slide, description, groups, **changes)
    with pytest.raises(BadInputError, match=sentence):
        load(tmp_path)


def test_damaged_files_are_one_sentence(children: Path, tmp_path: Path) -> None:
    data = (children / "BMD1" / "1.2.3" / "ANN_1" / "consensus.dcm").read_bytes()
    for cut in range(0, len(data), 97):
        (tmp_path / "cut.dcm").write_bytes(data[:cut])
        try:
            file = read_bulk_annotations(tmp_path / "cut.dcm")
        except BadInputError:
            continue
        # What is still a whole file may lack its last groups, and nothing else.
        assert len(file.groups) <= 2


def test_files_with_another_byte_anywhere_are_read_or_a_typed_error(children: Path, tmp_path: Path) -> None:
    data = (children / "BMD1" / "1.2.3" / "ANN_1" / "consensus.dcm").read_bytes()
    refused = 0
    for place in range(0, len(data), 17):
        for value in (0, 255, data[place] ^ 1):
            (tmp_path / "a.dcm").write_bytes(data[:place] + bytes([value]) + data[place + 1 :])
            try:
                read_bulk_annotations(tmp_path / "a.dcm")
                dicom_files(tmp_path)
            except BadInputError:
                refused += 1
    assert refused > 30
