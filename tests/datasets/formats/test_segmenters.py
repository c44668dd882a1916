"""What programs that segment cells by themselves write, in their makers' own layouts."""

import json
import sqlite3

import numpy as np
import pytest
import tifffile

from bmbench.core.errors import BadInputError, UnknownNameError
from bmbench.core.geometry import rings_area
from bmbench.datasets.formats.recognise import read_any, sniff

from .other_tools import annotation_store, cellpose, hovernet, image


def rectangle(x0, y0, x1, y1, *, closed=True):
    ring = [[x0, y0], [x1, y0], [x1, y1], [x0, y1]]
    return [*ring, ring[0]] if closed else ring


def class_outlines(place, boxes, *, name="Neoplastic"):
    """CellViT's GeoJSON: all cells of a class are the parts of one object."""
    image(place)
    feature = {
        "type": "Feature",
        "id": "0f5c",
        "geometry": {"type": "MultiPolygon", "coordinates": [[rectangle(*box)] for box in boxes]},
        "properties": {"objectType": "annotation", "classification": {"name": name, "color": [255, 0, 0]}},
    }
    (place / "a.geojson").write_text(json.dumps([feature]))
    return place / "a.geojson"


FAR_APART = [[0, 0, 5, 5], [12, 0, 17, 5], [30, 12, 36, 18]]


def test_cells_that_cellvit_puts_into_one_object_are_taken_apart_and_said(tmp_path):
    class_outlines(tmp_path, FAR_APART)
    found = read_any(tmp_path)
    np.testing.assert_array_equal(found.samples[0].annotations.box, FAR_APART)
    assert any("taken apart" in note for note in found.notes)
    together = read_any(tmp_path, choices={"parts": "together"})
    np.testing.assert_array_equal(together.samples[0].annotations.box, [[0, 0, 36, 18]])


def test_a_cell_in_two_parts_and_one_with_a_hole_stay_one(tmp_path):
    class_outlines(tmp_path / "parts", [[0, 0, 8, 8], [9, 0, 17, 8]])
    (annotations,) = (s.annotations for s in read_any(tmp_path / "parts").samples)
    np.testing.assert_array_equal(annotations.box, [[0, 0, 17, 8]])
    image(tmp_path / "hole")
    rings = [rectangle(0, 0, 36, 18), rectangle(1, 1, 4, 4), rectangle(6, 6, 8, 8), rectangle(9, 9, 11, 11)]
    feature = {
        "type": "Feature",
        "geometry": {"type": "Polygon", "coordinates": rings},
        "properties": {"objectType": "annotation", "classification": {"name": "WBC"}},
    }
    (tmp_path / "hole" / "a.geojson").write_text(json.dumps([feature]))
    (annotations,) = (s.annotations for s in read_any(tmp_path / "hole").samples)
    assert rings_area(annotations.contour[0]) == 36 * 18 - 9 - 4 - 4


def test_cellvit_has_a_folder_an_image_and_names_of_classes(tmp_path):
    cell = {
        "bbox": [[5, 6], [9, 16]],
        "centroid": [11, 7],
        "contour": rectangle(6, 5, 15, 8, closed=False),
        "type_prob": 0.5,
        "type": 4,
    }
    value = {"wsi_metadata": {}, "type_map": {"0": "Background", "4": "Dead"}, "cells": [cell]}
    for name in ("s1", "s2"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "cells.json").write_text(json.dumps(value))
        points = value | {"cells": [{k: v for k, v in cell.items() if k != "contour"}]}
        (tmp_path / name / "cell_detection.json").write_text(json.dumps(points))
    listed = [{"id": n, "file_name": f"s{n}.png", "width": 40, "height": 20} for n in (1, 2)]
    (tmp_path / "gt.json").write_text(
        json.dumps({"images": listed, "annotations": [], "categories": [{"id": 1, "name": "cell"}]})
    )
    found = read_any(f"hovernet:{tmp_path / 's2'}", tmp_path / "gt.json")
    (sample,) = (s for s in found.samples if len(s.annotations))
    assert (sample.name, found.categories[-1].name) == ("s2.png", "Dead")
    np.testing.assert_array_equal(sample.annotations.box, [[6, 5, 16, 9]])
    # The outline runs through the middles of the outermost pixels.
    assert sample.annotations.contour[0][0][0].tolist() == [6.5, 5.5]
    assert found.confidence[sample.image_id].tolist() == [0.5]


def test_a_nucleus_without_a_shape_is_refused_by_its_name(tmp_path):
    image(tmp_path)
    (tmp_path / "a.json").write_text(json.dumps({"nuc": {"7": {"type": 1, "contour": [[1, 1]]}}, "mag": 40}))
    with pytest.raises(BadInputError, match=r"nuc\['7'\].*without an outline or a box"):
        read_any(f"hovernet:{tmp_path}")
    assert sniff(hovernet(tmp_path / "good")) == "hovernet"


@pytest.mark.parametrize("packed", [True, False])
def test_a_store_holds_shapes_of_every_kind_as_shapely_writes_them(tmp_path, packed):
    shapely = pytest.importorskip("shapely", reason="shapely, which writes the shapes of stores, is not here")
    holed = shapely.Polygon(rectangle(0, 0, 10, 10), [rectangle(2, 2, 4, 4)])
    parts = shapely.MultiPolygon([shapely.box(20, 0, 24, 4), shapely.box(26, 0, 30, 4)])
    line = shapely.LineString([[0, 0], [5, 5]])
    rows = [
        (holed.wkb, 5, 5, {"type": 2, "prob": 0.25}),
        (parts.wkb, 25, 2, {"type": 2}),
        (shapely.Point(3, 4).wkb, 3, 4, {}),
        (None, 7.5, 8.5, {"type": "WBC", "probability": 1}),
        (line.wkb, 2, 2, {}),
    ]
    annotation_store(tmp_path, shapes=rows, packed=packed)
    found = read_any(tmp_path)
    (annotations,) = (s.annotations for s in found.samples)
    assert [rings_area(rings) for rings in annotations.contour if rings] == [holed.area, parts.area]
    assert annotations.xy[2:].tolist() == [[3, 4], [7.5, 8.5]]
    assert [c.name for c in found.categories] == ["type 2", "cell", "WBC"]
    (sure,) = found.confidence.values()
    np.testing.assert_array_equal(sure, [0.25, np.nan, np.nan, 1])
    assert any("LineString" in note for note in found.notes)


def test_a_store_runs_nothing_and_ends_in_one_sentence(tmp_path):
    file = annotation_store(tmp_path / "cut")
    file.write_bytes(file.read_bytes()[:4096])
    with pytest.raises(BadInputError, match="damaged SQLite file"):
        read_any(file)
    view = annotation_store(tmp_path / "view")
    with sqlite3.connect(view) as store:
        store.execute("ALTER TABLE annotations RENAME TO other")
        store.execute("CREATE VIEW annotations AS SELECT * FROM other")
    with pytest.raises(BadInputError, match="not an annotation store"):
        read_any(f"tiatoolbox:{view}")
    bomb = annotation_store(tmp_path / "bomb", shapes=[(bytes(40 << 20), 1, 1, {})])
    with pytest.raises(BadInputError, match="too many corners"):
        read_any(bomb)


@pytest.mark.parametrize(
    ("name", "data", "what"),
    [
        ("cells.json.snappy", b"\x00", "answers of CellViT, packed.*without --compression"),
        ("0.dat", b"\x80\x04\x95", r"a pickle of TIAToolbox.*annotationstore"),
    ],
)
def test_what_is_packed_or_pickled_is_called_so_and_not_opened(tmp_path, name, data, what):
    (tmp_path / name).write_bytes(data)
    for place in (tmp_path / name, tmp_path):
        with pytest.raises(BadInputError, match=what):
            read_any(place)


def test_cellpose_believes_what_its_map_says_on_average(tmp_path):
    masks = np.zeros((20, 40), np.uint16)
    masks[0, 0:2], masks[10:12, 0:2] = 3, 9
    said = np.full((3, 20, 40), 5, np.float32)
    said[2, 0, 0:2] = [0, np.log(3)]  # logistic: 1/2 and 3/4
    said[2, 10:12, 0:2] = -np.log(9)  # 1/10
    value = {"masks": masks, "filename": "a.png", "flows": [0, 0, 0, [], said]}
    image(tmp_path)
    np.save(tmp_path / "a_seg.npy", np.array(value, dtype=object), allow_pickle=True)
    found = read_any(tmp_path)
    np.testing.assert_allclose(found.confidence["a"], [0.625, 0.1], rtol=1e-6)
    cellpose(tmp_path / "old")
    assert read_any(tmp_path / "old").confidence == {}


def test_outlines_of_cellpose_hold_the_pixels_that_they_go_through(tmp_path):
    image(tmp_path)
    (tmp_path / "a_cp_outlines.txt").write_text("16,6,23,6,23,13,16,13\n0,0,1,0,1,1,0,1\n")
    assert sniff(tmp_path) == "cellpose"
    (sample,) = read_any(tmp_path).samples
    assert sample.name == "a.png"
    np.testing.assert_array_equal(sample.annotations.box, [[16, 6, 24, 14], [0, 0, 2, 2]])
    (tmp_path / "a_cp_outlines.txt").write_text("16,6,23\n")
    with pytest.raises(BadInputError, match="line 1: not an outline"):
        read_any(tmp_path)


@pytest.mark.parametrize("name", ["a.stardist.tif", "a_instanseg_prediction.tiff", "a_masks.npy"])
def test_label_images_are_known_by_what_programs_call_them(tmp_path, name):
    image(tmp_path)
    labels = np.zeros((20, 40), np.int32)
    labels[6:14, 16:24] = 5
    (np.save if name.endswith(".npy") else tifffile.imwrite)(tmp_path / name, labels)
    (sample,) = read_any(tmp_path).samples
    assert sample.name == "a.png"
    np.testing.assert_array_equal(sample.annotations.box, [[16, 6, 24, 14]])


@pytest.mark.parametrize(
    ("array", "what"),
    [
        (np.zeros((3, 20, 40), np.int32), "not one label image"),
        (np.zeros((20, 40), np.float32), "16 or 32 bits"),
        (np.full((20, 40), -1, np.int32), "negative label"),
    ],
)
def test_arrays_that_are_no_label_image_are_refused(tmp_path, array, what):
    image(tmp_path)
    np.save(tmp_path / "a_masks.npy", array)
    with pytest.raises(BadInputError, match=what):
        read_any(tmp_path)


@pytest.mark.parametrize("name", ["a_instanseg_prediction.tiff", "a_masks.npy"])
def test_of_the_two_planes_of_instanseg_one_is_chosen(tmp_path, name):
    image(tmp_path)
    planes = np.zeros((2, 20, 40), np.int32)
    planes[0, 8:12, 18:22] = 1
    planes[1, 6:14, 16:24] = 1
    if name.endswith("npy"):
        np.save(tmp_path / name, planes[None])
    else:
        tifffile.imwrite(tmp_path / name, planes, metadata={"axes": "CYX"})
    with pytest.raises(BadInputError, match=r"nuclei and cells.*--option outline=nucleus"):
        read_any(tmp_path)
    for outline, box in (("nucleus", [18, 8, 22, 12]), ("cell", [16, 6, 24, 14])):
        (found,) = read_any(tmp_path, choices={"outline": outline}).samples
        assert found.annotations.box.tolist() == [box]
    with pytest.raises(UnknownNameError, match="did you mean 'cell'"):
        read_any(tmp_path, choices={"outline": "cel"})


def test_two_planes_without_names_are_told_too(tmp_path):
    image(tmp_path)
    tifffile.imwrite(tmp_path / "a_masks.tif", np.ones((2, 20, 40), np.uint16), photometric="minisblack")
    with pytest.raises(BadInputError, match="two label images in one file"):
        read_any(tmp_path)


def test_geojson_of_instanseg_and_tiatoolbox(tmp_path):
    image(tmp_path / "instanseg")
    square = {"type": "Polygon", "coordinates": [rectangle(16, 6, 24, 14)]}
    feature = {
        "type": "Feature",
        "geometry": square,
        "properties": {"object_type": "detection", "classification": "Cells"},
    }
    # Of slides InstanSeg writes a comma after the last object.
    text = json.dumps(feature)
    (tmp_path / "instanseg" / "a_instanseg_prediction.geojson").write_text(f"[{text},\n{text},\n]")
    found = read_any(tmp_path / "instanseg")
    assert (len(found.samples[0].annotations), found.categories[0].name) == (2, "Cells")
    image(tmp_path / "tiatoolbox")
    features = [
        {"type": "Feature", "geometry": square, "properties": {"type": 1, "prob": 0.5}},
        {"type": "Feature", "geometry": square, "properties": {"type": "Dead", "prob": 0.25}},
    ]
    value = {"type": "FeatureCollection", "features": features}
    (tmp_path / "tiatoolbox" / "a.geojson").write_text(json.dumps(value))
    found = read_any(tmp_path / "tiatoolbox")
    assert [c.name for c in found.categories] == ["type 1", "Dead"]
    assert found.confidence["a"].tolist() == [0.5, 0.25]
