"""Regions of slides that somebody annotated: each an image, with everything around it ignored."""

import json

import numpy as np
import pytest
import tifffile
from numpy.testing import assert_allclose, assert_array_equal

from bmbench.core.dataset import LoadRequest
from bmbench.core.errors import BadInputError, UnknownNameError
from bmbench.core.geometry import rectangle
from bmbench.core.progress import Silent
from bmbench.core.types import Role
from bmbench.datasets.exchange.convert import convert
from bmbench.datasets.formats.recognise import read_any
from bmbench.datasets.sets.own_files import own_dataset
from bmbench.datasets.slides.region_images import outside_region

from .test_qupath_areas import square

Y, X = np.mgrid[:600, :800]
PIXELS = np.stack([X / 4, Y / 4, 255 - (X + Y) / 8], axis=2).astype(np.uint8)
CELLS = (
    square(110, 110, 20, "detection", "WBC"),
    square(190, 150, 20, "detection", "WBC"),  # its middle is in the first region, half of it is not
    square(205, 110, 15, "detection", "WBC"),  # beside it
    square(420, 320, 30, "cell", "RBC"),
    square(700, 20, 20, "detection", "WBC"),
)
FIRST, SECOND, EMPTY = (square(x, y, 101, name="Region*") for x, y in ((100, 100), (400, 300), (600, 450)))
TISSUE = square(50, 50, 500, name="Tissue")


def slide(folder, *features, name="a", ending=".svs"):
    """A slide of 800 × 600 px with tiles, which OpenSlide reads, and what was drawn on it."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{name}.tif"
    facts = {"resolution": (40_000, 40_000), "resolutionunit": "CENTIMETER"}
    tifffile.imwrite(file, PIXELS, tile=(256, 256), photometric="rgb", **facts)
    file.rename(folder / f"{name}{ending}")
    (folder / f"{name}.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return folder


def by_name(content):
    return {sample.name: sample for sample in content.samples}


def cells(content, name):
    """Class and box of each object of an image, ignored ones and regions aside."""
    marked = by_name(content)[name].annotations
    kept = np.flatnonzero(marked.role != Role.IGNORE)
    return [(content.categories[marked.label[n]].name, marked.box[n].tolist()) for n in kept.tolist()]


pytest.importorskip("openslide", reason="the extra wsi reads slides")


@pytest.fixture(autouse=True)
def small_slides(monkeypatch):
    """Slides as small as these count as whole ones."""
    monkeypatch.setattr("bmbench.datasets.slides.whole_images.FIELD_PX", 100_000)


def test_each_region_of_a_slide_is_an_image_with_what_lies_around_it_ignored(tmp_path):
    slide(tmp_path, TISSUE, FIRST, SECOND, EMPTY, *CELLS)
    found = read_any(tmp_path, choices={"margin_px": "20"})
    assert list(by_name(found)) == ["a_01", "a_02", "a_03"]
    first = by_name(found)["a_01"]
    # The region 100–201 × 100–201 with 20 px around it.
    assert (first.width, first.height, first.group) == (141, 141, "a.svs")
    assert cells(found, "a_01") == [("WBC", [30, 30, 50, 50]), ("WBC", [110, 70, 130, 90])]
    assert cells(found, "a_02") == [("RBC", [40, 40, 70, 70])]
    # A region in which nothing was found says that there is nothing.
    assert cells(found, "a_03") == []
    marked = first.annotations
    # The cell whose middle lies outside, and the margin.
    assert_array_equal(
        marked.box[marked.role == Role.IGNORE],
        [[125, 30, 140, 45], [0, 0, 141, 20], [0, 121, 141, 141], [0, 0, 20, 141], [121, 0, 141, 141]],
    )
    assert_array_equal(first.load(), PIXELS[80:221, 80:221])
    assert first.um_per_px == pytest.approx(0.25)
    said = "\n".join(found.notes)
    assert "the images of the set are 3 areas on 1 slides" in said
    assert "areas of the class Region*" in said
    assert "left out: 2 objects in no region (a.svs: 2)" in said


def test_without_qupaths_own_class_the_inner_areas_that_hold_objects_count(tmp_path):
    tumor = square(100, 100, 101, name="Tumor")
    slide(tmp_path, TISSUE, tumor, square(700, 0, 60, name="Necrosis*"), *CELLS)
    found = read_any(tmp_path)
    assert list(by_name(found)) == ["a_01"]
    assert len(cells(found, "a_01")) == 2
    said = "\n".join(found.notes)
    assert "areas that hold objects" in said
    assert "left out: 1 areas that hold other regions" in said
    assert "left out: 3 objects in no region" in said


def test_regions_are_chosen_by_the_name_of_their_class_or_not_taken(tmp_path):
    slide(tmp_path / "a", TISSUE, FIRST, SECOND, *CELLS)
    assert list(by_name(read_any(tmp_path / "a", choices={"regions": "Tissue"}))) == ["a_01"]
    assert list(by_name(read_any(tmp_path / "a", choices={"regions": "no"}))) == ["a.svs"]
    with pytest.raises(UnknownNameError, match="did you mean 'Tissue'"):
        read_any(tmp_path / "a", choices={"regions": "Tisue"})
    slide(tmp_path / "b", *CELLS)
    assert list(by_name(read_any(tmp_path / "b"))) == ["a.svs"]
    with pytest.raises(BadInputError, match="no area for regions"):
        read_any(tmp_path / "b", choices={"regions": "areas"})


@pytest.mark.parametrize("ending", [".tif", ".svs"])
def test_a_field_of_view_is_cut_only_where_it_is_asked_for(tmp_path, ending, monkeypatch):
    monkeypatch.setattr("bmbench.datasets.slides.whole_images.FIELD_PX", 4096 * 4096)
    slide(tmp_path, FIRST, *CELLS, ending=ending)
    found = read_any(tmp_path)
    assert len(found.samples[0].annotations) == len(CELLS)
    assert "areas are drawn: --option regions=areas makes an image of each" in found.notes
    assert list(by_name(read_any(tmp_path, choices={"regions": "areas"}))) == ["a_01"]


def test_a_tiff_that_is_too_large_to_be_read_whole_is_a_slide(tmp_path, monkeypatch):
    for module in ("reading.tiff_files", "slides.whole_images", "slides.tiff"):
        monkeypatch.setattr(f"bmbench.datasets.{module}.LIMIT_PX", 400_000)
    slide(tmp_path / "a", FIRST, *CELLS, ending=".tif")
    found = read_any(tmp_path / "a", choices={"margin_px": "0"})
    assert_array_equal(found.samples[0].load(), PIXELS[100:201, 100:201])
    slide(tmp_path / "b", *CELLS, ending=".tif")
    (whole,) = read_any(tmp_path / "b").samples
    with pytest.raises(BadInputError, match="draw areas around what is annotated"):
        whole.load()


def test_regions_of_another_format_are_objects_of_a_class(tmp_path):
    slide(tmp_path)
    (tmp_path / "a.geojson").unlink()
    ring = '<Coordinate Order="0" X="100" Y="100"/><Coordinate Order="1" X="201" Y="100"/>'
    ring += '<Coordinate Order="2" X="201" Y="201"/><Coordinate Order="3" X="100" Y="201"/>'
    dot = '<Annotation Type="Dot" PartOfGroup="{}"><Coordinates><Coordinate Order="0" X="{}" Y="{}"/>'
    dots = "".join(
        dot.format(*one) + "</Coordinates></Annotation>" for one in (("WBC", 150, 150), ("x", 9, 9))
    )
    (tmp_path / "a.xml").write_text(
        '<ASAP_Annotations><Annotations><Annotation Type="Polygon" PartOfGroup="ROI"><Coordinates>'
        f"{ring}</Coordinates></Annotation>{dots}</Annotations></ASAP_Annotations>"
    )
    found = read_any(tmp_path, choices={"regions": "ROI", "margin_px": "0"})
    assert cells(found, "a_01") == [("WBC", [50, 50, 50, 50])]
    assert [category.name for category in found.categories] == ["WBC", "x"]


def test_regions_of_a_slide_stay_together_and_are_written_as_images(tmp_path):
    for name in "abcd":
        slide(tmp_path / "in", FIRST, SECOND, *CELLS, name=name)
    split = own_dataset(str(tmp_path / "in")).load(LoadRequest(options={"split_by": "none"}))
    assert len(split.samples["test"]) == 8
    assert {sample.group for sample in split.samples["test"]} == {f"{name}.svs" for name in "abcd"}
    assert any("3 areas" not in fault and "8 areas on 4 slides" in fault for fault in split.faults)
    content = read_any(tmp_path / "in")
    convert(content, tmp_path / "out", to="coco", progress=Silent())
    again = read_any(tmp_path / "out")
    assert cells(again, "a_01.png") == cells(content, "a_01")
    assert_array_equal(again.samples[0].load(), content.samples[0].load())


def test_a_region_beyond_its_slide_and_one_too_large_are_refused(tmp_path):
    slide(tmp_path, square(900, 100, 50, name="Region*"), *CELLS)
    with pytest.raises(BadInputError, match="a region outside its slide"):
        read_any(tmp_path)
    with pytest.raises(BadInputError, match="margin_px"):
        read_any(tmp_path, choices={"margin_px": "wide"})


def test_what_lies_outside_a_round_region_lies_in_one_of_its_rectangles():
    angle = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    ring = 500 + 400 * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    covered = np.array(
        [np.concatenate([r.min(0), r.max(0)]) for (r,) in outside_region((ring,), (0, 0, 1000, 1000))]
    )
    draws = np.random.default_rng(0)
    low = draws.uniform(0, 970, (2000, 2))
    corners = low[:, None] + np.array([[0, 0], [30, 0], [0, 30], [30, 30]])
    reach = np.hypot(*(corners - 500).transpose(2, 0, 1))
    # A box of 30 px is outside if the nearest point of it is; the grid is coarse by 8 px.
    nearest = np.hypot(*np.maximum(np.abs(low + 15 - 500) - 15, 0).T)
    inside_one = (
        ((low[:, None] >= covered[:, :2] - 1e-9) & (low[:, None] + 30 <= covered[:, 2:] + 1e-9))
        .all(axis=2)
        .any(axis=1)
    )
    assert inside_one[nearest > 400 + 8 * 2**0.5 + 1].all()
    assert not inside_one[(reach < 399).any(axis=1)].any()
    assert (nearest > 420).sum() > 100


def test_a_rectangle_has_four_strips_around_it_and_none_where_it_ends_with_the_slide():
    strips = outside_region(rectangle(10, 0, 60, 40), (0, 0, 70, 50))
    boxes = [[*ring.min(axis=0), *ring.max(axis=0)] for (ring,) in strips]
    assert_allclose(boxes, [[0, 40, 70, 50], [0, 0, 10, 50], [60, 0, 70, 50]])
