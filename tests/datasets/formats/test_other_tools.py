"""Formats of slide viewers and annotation tools, and pickles that want more than to be arrays."""

import importlib
import json
import pickle

import numpy as np
import pytest
from PIL import Image

from bmbench.core.errors import BadInputError
from bmbench.core.geometry import rings_area
from bmbench.core.progress import Silent
from bmbench.core.types import Role
from bmbench.datasets.exchange.convert import convert
from bmbench.datasets.formats import FORMATS
from bmbench.datasets.formats.recognise import read_any, sniff
from bmbench.datasets.reading.safe_pickle import read_saved

from .other_tools import CORNERS, READ_ONLY, cellpose, image, label_studio, ndpa, packed_mask, supervisely


@pytest.mark.parametrize("name", READ_ONLY)
def test_what_a_program_writes_is_recognised_and_read(tmp_path, name):
    file = READ_ONLY[name](tmp_path)
    assert sniff(tmp_path) == sniff(file) == name
    (sample,) = read_any(tmp_path).samples
    np.testing.assert_allclose(sample.annotations.box, [[16, 6, 24, 14]], atol=1e-9)
    assert (sample.width, sample.height, sample.name.split(".")[0]) == (40, 20, "a")
    assert sample.file.is_file()
    with pytest.raises(BadInputError, match=f"{name} is only read"):
        convert(read_any(tmp_path), tmp_path / "out", to=name, progress=Silent())


def test_every_format_is_written_or_known_to_be_read_only():
    assert {name for name in FORMATS if FORMATS.get(name).write is None} == set(READ_ONLY)


APERIO = """<Annotations MicronsPerPixel="0.25">
 <Annotation Id="1" Name="WBC" Type="4"><Regions>
  <Region Id="1" Type="0" NegativeROA="0"><Vertices><Vertex X="10" Y="2"/><Vertex X="30" Y="2"/>
   <Vertex X="30" Y="18"/><Vertex X="10" Y="18"/></Vertices></Region>
  <Region Id="2" Type="0" NegativeROA="1"><Vertices><Vertex X="15" Y="5"/><Vertex X="20" Y="5"/>
   <Vertex X="20" Y="10"/><Vertex X="15" Y="10"/></Vertices></Region>
  <Region Id="3" Type="2"><Vertices><Vertex X="0" Y="0"/><Vertex X="6" Y="6"/></Vertices></Region>
  <Region Id="4" Type="1"><Vertices><Vertex X="1" Y="1"/><Vertex X="5" Y="1"/><Vertex X="5" Y="9"/>
   <Vertex X="1" Y="9"/></Vertices></Region>
  <Region Id="5" Type="4"><Vertices><Vertex X="0" Y="0"/><Vertex X="9" Y="9"/></Vertices></Region>
 </Regions></Annotation>
 <Annotation Id="2" Name=""><Regions><Region Type="0" Text="blast"><Vertices><Vertex X="0" Y="0"/>
  <Vertex X="2" Y="0"/><Vertex X="2" Y="2"/></Vertices></Region></Regions></Annotation>
</Annotations>"""


def test_imagescope_has_holes_rectangles_ellipses_and_layers(tmp_path):
    image(tmp_path)
    (tmp_path / "a.xml").write_text(APERIO)
    found = read_any(tmp_path)
    annotations = found.samples[0].annotations
    assert rings_area(annotations.contour[0]) == 20 * 16 - 5 * 5
    assert annotations.circle[1].tolist() == [3, 3, 3]
    assert annotations.box[2].tolist() == [1, 1, 5, 9]
    assert [c.name for c in found.categories] == ["WBC", "blast"]
    assert found.notes == ("a.png: left out: ruler",)


def test_asap_has_groups_dots_and_coordinates_in_any_order(tmp_path):
    image(tmp_path)
    (tmp_path / "a.xml").write_text("""<ASAP_Annotations><Annotations>
     <Annotation Name="A0" Type="Polygon" PartOfGroup="Tumor" Color="#F4FA58"><Coordinates>
      <Coordinate Order="2" X="9" Y="9"/><Coordinate Order="0" X="1" Y="1"/>
      <Coordinate Order="1" X="9" Y="1"/>
     </Coordinates></Annotation>
     <Annotation Name="A1" Type="Dot" PartOfGroup="None"><Coordinates><Coordinate Order="0" X="3.5" Y="4"/>
     </Coordinates></Annotation>
     <Annotation Name="A2" Type="Measurement" PartOfGroup="None"><Coordinates/></Annotation>
    </Annotations><AnnotationGroups/></ASAP_Annotations>""")
    found = read_any(tmp_path)
    annotations = found.samples[0].annotations
    assert annotations.contour[0][0].tolist() == [[1, 1], [9, 1], [9, 9]]
    assert annotations.xy[1].tolist() == [3.5, 4]
    assert [c.name for c in found.categories] == ["Tumor", "cell"]
    assert found.notes == ("a.png: left out: measurement",)


@pytest.mark.parametrize("project", [True, False])
@pytest.mark.parametrize("as_list", [True, False])
def test_via_has_five_shapes_and_attributes_of_any_name(tmp_path, project, as_list):
    image(tmp_path)
    shapes = [
        ({"name": "polygon", "all_points_x": [1, 9, 9], "all_points_y": [1, 1, 9]}, {"type": "blast"}),
        ({"name": "rect", "x": 2, "y": 3, "width": 4, "height": 5}, {"size": "big", "class": "WBC"}),
        ({"name": "circle", "cx": 9, "cy": 8, "r": 3.5}, {"kind": {"WBC": True, "RBC": False}}),
        ({"name": "ellipse", "cx": 20, "cy": 10, "rx": 4, "ry": 2, "theta": np.pi / 2}, {}),
        ({"name": "point", "cx": 5, "cy": 6}, {"name": "WBC"}),
        ({"name": "polyline", "all_points_x": [1, 2], "all_points_y": [1, 2]}, {}),
    ]
    regions = [{"shape_attributes": shape, "region_attributes": own} for shape, own in shapes]
    entry = {"filename": "a.png", "size": 3, "regions": regions if as_list else dict(enumerate(regions))}
    value = {"a.png3": entry}
    (tmp_path / "x.json").write_text(json.dumps({"_via_img_metadata": value} if project else value))
    found = read_any(tmp_path)
    annotations = found.samples[0].annotations
    assert annotations.box[[0, 1, 4]].tolist() == [[1, 1, 9, 9], [2, 3, 6, 8], [5, 6, 5, 6]]
    assert annotations.circle[2].tolist() == [9, 8, 3.5]
    np.testing.assert_allclose(annotations.box[3], [18, 6, 22, 14])
    assert [found.categories[label].name for label in annotations.label] == [
        "blast",
        "WBC",
        "WBC",
        "cell",
        "WBC",
    ]
    assert found.notes == ("a.png: left out: polyline",)


def test_label_studio_turns_rectangles_about_their_corner(tmp_path):
    file = label_studio(tmp_path)
    value = json.loads(file.read_text())
    result = value[0]["annotations"][1]["result"][0]
    result["value"] |= {"rotation": 90}
    more = [
        {"type": "polygonlabels", "value": {"points": [[0, 0], [10, 0], [10, 50]], "polygonlabels": ["RBC"]}},
        {
            "type": "ellipselabels",
            "value": {"x": 50, "y": 50, "radiusX": 5, "radiusY": 10, "ellipselabels": ["RBC"]},
        },
        {"type": "keypointlabels", "value": {"x": 25, "y": 50, "width": 1, "keypointlabels": ["RBC"]}},
        {"type": "brushlabels", "value": {"format": "rle", "rle": [1, 2], "brushlabels": ["RBC"]}},
        {"type": "choices", "value": {"choices": ["good"]}},
    ]
    value[0]["annotations"][1]["result"] += more
    file.write_text(json.dumps(value))
    found = read_any(file)
    annotations = found.samples[0].annotations
    # The corner (16, 6); 8 × 8 px turned by a quarter clockwise leads to the left of it.
    np.testing.assert_allclose(annotations.box[0], [8, 6, 16, 14], atol=1e-9)
    np.testing.assert_allclose(annotations.box[1], [0, 0, 4, 10])
    np.testing.assert_allclose(annotations.circle[2], [20, 10, 2])
    assert annotations.xy[3].tolist() == [10, 10]
    assert any("left out: brush" in note for note in found.notes)


def test_label_studios_small_form_is_read(tmp_path):
    image(tmp_path)
    item = {"x": 40, "y": 30, "width": 20, "height": 40, "rectanglelabels": ["WBC"]}
    item |= {"original_width": 40, "original_height": 20}
    (tmp_path / "min.json").write_text(json.dumps([{"id": 1, "image": "s3://b/a.png", "label": [item]}]))
    assert read_any(tmp_path / "min.json").samples[0].annotations.box.tolist() == [[16, 6, 24, 14]]


def test_label_studios_table_is_read(tmp_path):
    image(tmp_path)
    item = {"x": 40, "y": 30, "width": 20, "height": 40, "rectanglelabels": ["WBC"]}
    item |= {"original_width": 40, "original_height": 20}
    cell = json.dumps([item]).replace('"', '""')
    head = "image,id,label,annotator,annotation_id,created_at,lead_time\n"
    row = f'/data/upload/1/0a1b2c3d-a.png,1,"{cell}",1,7,2024-01-01T00:00:00Z,3.5\n'
    (tmp_path / "export.csv").write_text(head + row)
    assert sniff(tmp_path / "export.csv") == "labelstudio"
    found = read_any(tmp_path)
    assert found.samples[0].name == "a.png"
    assert found.samples[0].annotations.box.tolist() == [[16, 6, 24, 14]]
    # Under whatever name the image stands, a date before it is none.
    dated = f'2024-01-01T00:00:00.5Z,0a1b2c3d-a.png,1,"{cell}",1,7\n'
    (tmp_path / "export.csv").write_text("created_at,slide,id,label,annotator,annotation_id\n" + dated)
    assert read_any(tmp_path).samples[0].name == "a.png"
    (tmp_path / "export.csv").write_text(head + row.replace('"[{', '"[{{'))
    with pytest.raises(BadInputError, match="line 2, column label: not valid JSON"):
        read_any(tmp_path)


HALO = """<Annotations>
 <Annotation Name="Blast" Visible="True" LineColor="5634047"><Regions>
  <Region Type="Rectangle" HasEndcaps="0" NegativeROA="0"><Vertices><V X="2" Y="3" /><V X="12" Y="9" />
  </Vertices></Region>
  <Region Type="Ellipse" HasEndcaps="0" NegativeROA="0"><Vertices><V X="20" Y="4" /><V X="28" Y="12" />
  </Vertices></Region>
  <Region Type="Polygon" HasEndcaps="0" NegativeROA="0"><Vertices><V X="1" Y="10" /><V X="9" Y="10" />
  <V X="9" Y="18" /><V X="1" Y="10" /></Vertices></Region>
  <Region Type="Polygon" HasEndcaps="1" NegativeROA="0"><Vertices><V X="1" Y="1" /><V X="9" Y="10" />
  <V X="9" Y="12" /></Vertices></Region>
  <Region Type="Ruler" HasEndcaps="0" NegativeROA="0"><Vertices><V X="1" Y="1" /><V X="9" Y="1" />
  </Vertices></Region>
  <Region Type="Pin" HasEndcaps="0" NegativeROA="0"><Vertices><V X="30" Y="15" /></Vertices></Region>
 </Regions></Annotation>
</Annotations>
"""


def test_halo_writes_words_for_what_imagescope_numbers(tmp_path):
    image(tmp_path)
    (tmp_path / "a.annotations").write_text(HALO)
    found = read_any(tmp_path)
    marked = found.samples[0].annotations
    assert marked.box.tolist() == [[2, 3, 12, 9], [20, 4, 28, 12], [1, 10, 9, 18], [30, 15, 30, 15]]
    assert marked.circle[1].tolist() == [24, 8, 4]
    assert [category.name for category in found.categories] == ["Blast"]
    said = "\n".join(found.notes)
    assert "left out: line" in said
    assert "left out: ruler" in said


def test_words_that_are_names_somewhere_do_not_tell_the_format(tmp_path):
    """VIA's attributes and LabelMe's labels may be called as keys of other formats are."""
    image(tmp_path / "via")
    shape = {"name": "rect", "x": 1, "y": 2, "width": 3, "height": 4}
    region = {"shape_attributes": shape, "region_attributes": {"shapes": "grasper"}}
    value = {"a.png1": {"filename": "a.png", "size": 1, "regions": [region]}}
    (tmp_path / "via" / "via_region_data.json").write_text(json.dumps(value))
    assert sniff(tmp_path / "via") == "via"
    image(tmp_path / "labelme")
    drawn = {"label": "Feature", "points": [[1, 1], [5, 5]], "shape_type": "rectangle"}
    value = {"shapes": [drawn], "imagePath": "a.png", "imageHeight": 20, "imageWidth": 40}
    (tmp_path / "labelme" / "a.json").write_text(json.dumps(value))
    assert sniff(tmp_path / "labelme") == "labelme"


def test_of_several_files_for_a_whole_set_one_has_to_be_named(tmp_path):
    image(tmp_path)
    shape = {"name": "rect", "x": 1, "y": 2, "width": 3, "height": 4}
    regions = [{"shape_attributes": shape, "region_attributes": {}}]
    for name in ("old.json", "via_region_data.json"):
        (tmp_path / name).write_text(json.dumps({"a": {"filename": "a.png", "size": 1, "regions": regions}}))
    with pytest.raises(BadInputError, match=r"2 files of the format via.*old.json, via_region_data.json"):
        read_any(tmp_path)


def test_trackmates_own_file_is_called_so(tmp_path):
    (tmp_path / "a.xml").write_text('<?xml version="1.0"?>\n<TrackMate version="3.7.0">\n</TrackMate>')
    with pytest.raises(BadInputError, match=r"XML of TrackMate, which is not read.*as CSV"):
        read_any(tmp_path / "a.xml")


def test_supervisely_has_holes_bitmaps_and_rectangles(tmp_path):
    file = supervisely(tmp_path)
    value = json.loads(file.read_text())
    mask = np.zeros((4, 6), bool)
    mask[1:, 2:] = True
    value["objects"][0]["points"]["interior"] = [[[18, 8], [20, 8], [20, 10], [18, 10]]]
    value["objects"] += [
        {
            "classTitle": "RBC",
            "geometryType": "bitmap",
            "bitmap": {"data": packed_mask(mask), "origin": [3, 4]},
        },
        {
            "classTitle": "RBC",
            "geometryType": "rectangle",
            "points": {"exterior": [[9, 8], [2, 3]], "interior": []},
        },
        {
            "classTitle": "RBC",
            "geometryType": "line",
            "points": {"exterior": [[1, 1], [2, 2]], "interior": []},
        },
    ]
    file.write_text(json.dumps(value))
    found = read_any(tmp_path)
    annotations = found.samples[0].annotations
    assert rings_area(annotations.contour[0]) == 64 - 4
    assert annotations.box[1:].tolist() == [[5, 5, 9, 8], [2, 3, 9, 8]]
    assert found.notes == ("a.png: left out: line",)


def test_ndpa_circles_and_pins_and_a_slide_that_is_not_there(tmp_path):
    file = ndpa(tmp_path)
    head = "<ndpviewstate><title/><coordformat>nanometers</coordformat>"
    more = (
        f"{head}<annotation type='circle'><x>100000</x><y>-50000</y><radius>1000</radius></annotation>"
        "</ndpviewstate>"
        f"{head}<annotation type='pin'><x>97500</x><y>-52500</y></annotation></ndpviewstate>"
        f"{head}<annotation type='linearmeasure'><x1>1</x1></annotation></ndpviewstate>"
    )
    file.write_text(file.read_text().replace("</annotations>", f"{more}</annotations>"))
    found = read_any(tmp_path)
    annotations = found.samples[0].annotations
    assert annotations.circle[1].tolist() == [20, 10, 4]
    assert annotations.xy[2].tolist() == [10, 0]
    assert found.notes == ("a.ndpi: left out: linearmeasure",)
    (tmp_path / "a.ndpi").unlink()
    with pytest.raises(BadInputError, match="no slide beside its annotations"):
        read_any(file)


def test_oriented_boxes_in_pixels_are_outlines(tmp_path):
    image(tmp_path, "images/a.png")
    (tmp_path / "labelTxt").mkdir()
    (tmp_path / "labelTxt" / "a.txt").write_text(
        "imagesource:GoogleEarth\ngsd:0.14\n2 0 6 4 4 6 0 2 blast 0\n1.5 1 3 1 3 4 1.5 4 WBC 1\n"
    )
    found = read_any(tmp_path)
    annotations = found.samples[0].annotations
    assert annotations.contour[0][0].tolist() == [[2, 0], [6, 4], [4, 6], [0, 2]]
    assert annotations.role.tolist() == [Role.CELL, Role.IGNORE]
    assert [c.name for c in found.categories] == ["blast", "WBC"]


def test_cellpose_masks_of_every_kind_in_one_folder_are_read_once(tmp_path):
    cellpose(tmp_path)
    Image.fromarray(np.eye(20, 40).astype(np.uint16)).save(tmp_path / "a_cp_masks.png")
    found = read_any(tmp_path)
    assert sniff(tmp_path) == "cellpose"
    assert [len(s.annotations) for s in found.samples] == [1]
    (tmp_path / "a_seg.npy").unlink()
    assert sniff(tmp_path) == "labels"
    assert [s.name for s in read_any(tmp_path).samples] == ["a.png"]


class Evil:
    """Would make a file if it were read as pickles are."""

    def __reduce__(self):
        return open, ("evil", "w")


class Large:
    """Would take all memory."""

    def __reduce__(self):
        return np.empty, ((10**12,),)


class Reconstructed:
    """An array of another size than an empty one, which is then said to have a state."""

    def __reduce__(self):
        multiarray = importlib.import_module(
            f"numpy.{'_core' if hasattr(np, '_core') else 'core'}.multiarray"
        )
        return multiarray._reconstruct, (np.ndarray, (10**12,), b"b")


@pytest.mark.parametrize(
    ("value", "what"),
    [
        ({"masks": Evil()}, "io.open; only plain arrays|_io.open; only plain arrays"),
        ({"masks": Large()}, "empty; only plain arrays"),
        ({"masks": Reconstructed()}, "that NumPy does not write so"),
        ({"masks": np.datetime64("2026-01-01")}, "expected a dictionary with 'masks'"),
        (7, "not a file of Cellpose"),
    ],
)
def test_a_pickle_that_wants_more_is_refused(tmp_path, monkeypatch, value, what):
    monkeypatch.chdir(tmp_path)
    image(tmp_path)
    np.save(tmp_path / "a_seg.npy", np.array(value, dtype=object), allow_pickle=True)
    with pytest.raises(BadInputError, match=what):
        read_any(tmp_path / "a_seg.npy")
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize(
    "data", [b"", b"\x93NUMPY\x01\x00\x08\x00{'a': (\n", b"\x93NUMPY\x09\x00", b"PK\x03\x04"]
)
def test_what_is_no_file_of_numpy_is_named(tmp_path, data):
    (tmp_path / "a_seg.npy").write_bytes(data)
    with pytest.raises(BadInputError, match=r"a_seg\.npy: not a file of NumPy"):
        read_saved(tmp_path / "a_seg.npy")


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_arrays_come_back_from_every_protocol(tmp_path, protocol):
    masks = np.arange(6, dtype=np.int32).reshape(2, 3)
    head = np.array(None, dtype=object)
    with (tmp_path / "a_seg.npy").open("wb") as file:
        np.lib.format.write_array_header_1_0(file, np.lib.format.header_data_from_array_1_0(head))
        pickle.dump(np.array({"masks": masks, "text": "ä"}, dtype=object), file, protocol=protocol)
    if protocol < 3:
        # Bytes are spelled by a function of another module there, which Cellpose never needed.
        with pytest.raises(BadInputError):
            read_saved(tmp_path / "a_seg.npy")
    else:
        np.testing.assert_array_equal(read_saved(tmp_path / "a_seg.npy")["masks"], masks)


@pytest.mark.parametrize(
    ("value", "what"),
    [
        ({"masks": np.zeros((2, 4, 4), int)}, "masks of no single image"),
        ({"masks": np.full((4, 4), -1)}, "masks of no single image"),
        ({"masks": np.zeros((4, 4))}, "masks of no single image"),
        ({"other": 1}, "not a file of Cellpose"),
    ],
)
def test_what_is_no_mask_is_named(tmp_path, value, what):
    image(tmp_path)
    np.save(tmp_path / "a_seg.npy", np.array(value, dtype=object), allow_pickle=True)
    with pytest.raises(BadInputError, match=what):
        read_any(tmp_path / "a_seg.npy")


def test_the_corners_are_those_of_the_box():
    assert np.min(CORNERS, axis=0).tolist() + np.max(CORNERS, axis=0).tolist() == [16, 6, 24, 14]
