"""QuPath GeoJSON: three dialects, exact circles, a million objects without a million objects in memory."""

import gzip
import json

import numpy as np
import pytest

from bmbench.core.errors import BadInputError
from bmbench.core.types import CELL, Annotations, Category, Detections, Role
from bmbench.datasets.formats.qupath.geojson import read_qupath, write_qupath
from bmbench.datasets.reading import json_stream

CATEGORIES = (CELL, Category(id=7, name="smudge", artefact=True))
SQUARE = [[0, 0], [4, 0], [4, 4], [0, 4], [0, 0]]
HOLE = [[1, 1], [1, 2], [2, 2], [2, 1], [1, 1]]


def feature(**changes):
    return {
        "type": "Feature",
        "geometry": {"type": "Polygon", "coordinates": [SQUARE]},
        "properties": {},
    } | changes


def read(folder, value, name="a.geojson"):
    path = folder / name
    text = value if isinstance(value, str) else json.dumps(value)
    path.write_text(text)
    return read_qupath(path)


def one_of_each():
    ring = np.array([[10.25, 1], [14, 1], [14, 6.5]])
    return Annotations.of(
        xy=np.array([[12.125, 3.75], [30, 40], [55, 65], [5, 6], [80, 80]]),
        box=np.array(
            [[10.25, 1, 14, 6.5], [25, 35, 35, 45], [50, 60, 60, 70], [5, 6, 5, 6], [70, 70, 90, 90]]
        ),
        circle=np.array([[0, 0, 0], [30, 40, 5], [0, 0, 0], [0, 0, 0], [0, 0, 0]], float),
        contour=((ring,), (), (), (), (np.array([[70, 70], [90, 70], [80, 90.0]]),)),
        label=np.array([0, 1, 0, 0, 1]),
        role=np.array([Role.CELL, Role.ARTEFACT, Role.IGNORE, Role.CELL, Role.IGNORE]),
        region=np.array([False, False, False, False, True]),
    )


@pytest.mark.parametrize("suffix", [".geojson", ".geojson.gz"])
def test_everything_comes_back(tmp_path, suffix):
    before, path = one_of_each(), tmp_path / f"a{suffix}"
    assert write_qupath(path, before, CATEGORIES) == 5
    after = read_qupath(path)
    assert after.classes == (("cell", False), ("smudge", True))
    for name in ("xy", "box", "circle", "label", "role", "region"):
        np.testing.assert_array_equal(getattr(after.annotations, name), getattr(before, name), err_msg=name)
    for mine, yours in zip(after.annotations.contour, before.contour, strict=True):
        np.testing.assert_array_equal(mine, yours)


def test_a_circle_is_the_ellipse_that_qupath_restores_from_its_bounding_box(tmp_path):
    path = tmp_path / "a.geojson"
    circle = np.array([[10.123456, 20.654321, 7.5]])
    write_qupath(
        path,
        Annotations.of(
            xy=circle[:, :2], box=np.array([[2.623456, 13.154321, 17.623456, 28.154321]]), circle=circle
        ),
        (CELL,),
    )
    geometry = json.loads(path.read_text())["features"][0]["geometry"]
    ring = np.array(geometry["coordinates"][0])
    assert geometry["isEllipse"] is True
    assert ring.min(axis=0).tolist() == [2.623456, 13.154321]
    assert ring.max(axis=0).tolist() == [17.623456, 28.154321]
    # Every corner lies on the circle: others, who do not know the flag, see a fair polygon.
    assert np.abs(np.hypot(*(ring - circle[0, :2]).T) - 7.5).max() < 2e-6


def test_the_three_dialects_say_the_same(tmp_path):
    new = feature(
        id="x1",
        properties={
            "objectType": "detection",
            "classification": {"name": "WBC", "color": [1, 2, 3]},
            "measurements": {"score": 0.5},
        },
    )
    middle = feature(
        properties={
            "object_type": "detection",
            "classification": {"name": "WBC", "colorRGB": -65536},
            "measurements": [{"name": "score", "value": 0.5}],
            "isLocked": False,
        }
    )
    old = feature(
        id="PathDetectionObject",
        properties={
            "classification": {"name": "WBC", "colorRGB": -65536},
            "measurements": [{"name": "score", "value": 0.5}],
        },
    )
    for value in ([new], {"type": "FeatureCollection", "features": [middle]}, old):
        found = read(tmp_path, value)
        assert found.classes == (("WBC", False),)
        assert found.kind.tolist() == ["detection"]
        assert found.confidence.tolist() == [0.5]
        assert found.annotations.box.tolist() == [[0, 0, 4, 4]]


def test_derived_classes_children_and_cells(tmp_path):
    child = feature(
        properties={"objectType": "cell"}, nucleusGeometry={"type": "Polygon", "coordinates": [HOLE]}
    )
    parent = feature(
        properties={
            "objectType": "annotation",
            "classification": {"names": ["Immune", "Blast"]},
            "childObjects": [child],
        }
    )
    found = read(tmp_path, [parent])
    assert found.classes == (("Immune: Blast", False), ("cell", False))
    assert found.kind.tolist() == ["annotation", "cell"]


def test_holes_parts_and_points(tmp_path):
    far = [[[x + 10, y] for x, y in SQUARE]]
    shapes = [
        {"type": "Polygon", "coordinates": [SQUARE, HOLE]},
        {"type": "MultiPolygon", "coordinates": [[SQUARE, HOLE], far]},
        {"type": "MultiPoint", "coordinates": [[1, 2], [3, 4]]},
        {"type": "Point", "coordinates": [5, 6, 0]},
    ]
    found = read(tmp_path, [feature(geometry=shape) for shape in shapes]).annotations
    assert [len(rings) for rings in found.contour] == [2, 3, 0, 0, 0]
    assert found.xy.tolist() == [[2, 2], [7, 2], [1, 2], [3, 4], [5, 6]]
    path = tmp_path / "again.geojson"
    write_qupath(path, found, (CELL,))
    again = json.loads(path.read_text())["features"]
    assert [f["geometry"]["type"] for f in again] == ["Polygon", "MultiPolygon", "Point", "Point", "Point"]
    assert again[1]["geometry"]["coordinates"] == [[SQUARE, HOLE], far]


def test_what_marks_nothing_is_counted(tmp_path):
    line = feature(geometry={"type": "LineString", "coordinates": [[0, 0], [1, 1]]})
    tile = feature(properties={"objectType": "tile"})
    thin = feature(geometry={"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [0, 0]]]})
    found = read(tmp_path, [line, tile, feature(geometry=None), feature(), thin])
    assert len(found.annotations) == 1
    assert sorted(found.left_out.items()) == [
        ("object of the kind tile", 1),
        ("object of the shape LineString", 1),
        ("object without a shape", 1),
        ("outline of fewer than three corners", 1),
    ]


def test_bare_nan_and_three_coordinates_are_read(tmp_path):
    text = json.dumps([feature(properties={"measurements": {"score": "?"}})]).replace('"?"', "NaN")
    assert np.isnan(read(tmp_path, text).confidence[0])
    high = [[*point, 3.0] for point in SQUARE]
    found = read(tmp_path, [feature(geometry={"type": "Polygon", "coordinates": [high]})])
    assert found.annotations.box.tolist() == [[0, 0, 4, 4]]


def test_an_area_to_be_ignored_drawn_by_hand_is_a_region(tmp_path):
    found = read(tmp_path, [feature(properties={"classification": {"name": "Ignore*"}})])
    assert found.annotations.role.tolist() == [Role.IGNORE]
    assert found.annotations.region.tolist() == [True]


def test_blocks_cut_where_brackets_in_texts_would_mislead(tmp_path, monkeypatch):
    monkeypatch.setattr(json_stream, "BLOCK_BYTES", 64)
    monkeypatch.setattr(json_stream, "HEAD_BYTES", 100)
    names = ['}{"', "a\\", '\\"}', 'features": [', "ü}"]
    value = {
        "note": '{"features": [',
        "inner": {"features": [1]},
        "features": [feature(properties={"classification": {"name": name}}) for name in names],
        "type": "FeatureCollection",
    }
    found = read(tmp_path, value)
    assert [name for name, _ in found.classes] == names
    assert len(list(json_stream.object_blocks(tmp_path / "a.geojson", key="features"))) > 1


BARE = '{"type": "Feature"}'
POLYGON = '[{"type":"Feature","geometry":{"type":"Polygon","coordinates":[?]},"properties":{}}]'


@pytest.mark.parametrize("text", [
    "", "[", "{", "7", '"x"', "[1]", f"[{BARE}", f"[{BARE}]x", f"[{BARE} {BARE}]", f"[{BARE},,]",
    f'{{"features": [{BARE}', f'{{"features": [{BARE}]}}}}', f"{BARE}x", "[" * 100_000,
    '[{"a":' * 100_000, '{"a":' * 1000,
    POLYGON.replace("?", "[[0,0],[1e400,0],[1,1],[0,0]]"), POLYGON.replace("?", "[[0,0,1],[1],[1,1],[0,0]]"),
])  # fmt: skip
def test_what_is_no_geojson_is_refused_with_its_place(tmp_path, text):
    with pytest.raises(BadInputError, match=r"a\.geojson"):
        read(tmp_path, text)


@pytest.mark.parametrize(("value", "got"), [
    ({"a": 1}, "no type"),
    ([{"a": 1}], "no type"),
    ([{"geometry": {"type": "Polygon", "coordinates": [SQUARE]}, "properties": {}}], "no type"),
    ({"type": "Nothing"}, "type 'Nothing'"),
    ([feature() | {"type": "Nothing"}], "type 'Nothing'"),
])  # fmt: skip
def test_an_object_of_another_kind_is_not_taken_for_a_feature_without_a_shape(tmp_path, value, got):
    with pytest.raises(BadInputError) as caught:
        read(tmp_path, value)
    assert str(caught.value) == (
        f"{tmp_path / 'a.geojson'}, feature 0: not a GeoJSON feature "
        f"(expected type 'Feature', or a FeatureCollection of them, got {got})"
    )


@pytest.mark.parametrize("geometry", [
    {"type": "Point", "coordinates": [5, "?"]},
    {"type": "MultiPoint", "coordinates": [[1, 2], [5, "?"]]},
    {"type": "Polygon", "coordinates": [[[1, 2], [5, "?"], [3, 4]]]},
])  # fmt: skip
@pytest.mark.parametrize("number", ["NaN", "Infinity", "null"])
def test_a_position_without_a_number_is_named_as_a_position(tmp_path, geometry, number):
    text = json.dumps([feature(), feature(geometry=geometry)]).replace('"?"', number)
    named = r"feature 1: not a position \(expected numbers \[x, y\], got \[5, null\]\)"
    with pytest.raises(BadInputError, match=named):
        read(tmp_path, text)


def test_objects_nested_without_end_are_refused_before_they_are_parsed(tmp_path):
    with pytest.raises(BadInputError, match="nested deeper than 64"):
        read(tmp_path, "[" + '{"a":' * 70 + "1" + "}" * 70 + "]")


def test_a_packed_file_that_explodes_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(json_stream, "RATIO_FREE_BYTES", 1 << 20)
    path = tmp_path / "bomb.geojson.gz"
    path.write_bytes(gzip.compress(b"[" + b" " * (64 << 20) + b"]"))
    with pytest.raises(BadInputError, match="unpacks to far more"):
        read_qupath(path)


def test_a_cut_packed_file_is_refused(tmp_path):
    path = tmp_path / "a.geojson.gz"
    path.write_bytes(gzip.compress(json.dumps([feature()] * 50).encode())[:-20])
    with pytest.raises(BadInputError, match="gzip"):
        read_qupath(path)


def test_detections_in_parts_keep_confidence_and_measurements(tmp_path):
    path = tmp_path / "a.geojson"

    def part(number):
        box = np.array([[number, 0, number + 10, 6]], float)
        return Detections.of(xy=box[:, :2] + [5, 3], box=box, confidence=np.array([number / 10]))

    count = write_qupath(
        path,
        (part(n) for n in range(3)),
        (CELL,),
        decimals=2,
        measure=lambda marks: {"Area px^2": np.full(1, 47.1), "gone": np.full(1, np.nan)},
    )
    assert count == 3
    found = read_qupath(path)
    assert found.confidence.tolist() == [0, 0.1, 0.2]
    assert found.kind.tolist() == ["detection"] * 3
    assert found.annotations.box.tolist() == [[0, 0, 10, 6], [1, 0, 11, 6], [2, 0, 12, 6]]
    records = json.loads(path.read_text())["features"]
    assert records[1]["properties"]["measurements"] == {"Confidence": 0.1, "Area px^2": 47.1}
    assert len({record["id"] for record in records}) == 3


def test_no_object_at_all_is_a_file_too(tmp_path):
    path = tmp_path / "a.geojson"
    assert write_qupath(path, Detections.empty(), (CELL,)) == 0
    assert len(read_qupath(path).annotations) == 0
    assert json.loads(path.read_text()) == {"type": "FeatureCollection", "features": []}


PLAIN = (
    '{"type":"Feature","geometry":{"type":"Polygon","coordinates":[[[0,0],[9,0],[9,9],[0,9],[0,0]]]},'
    '"properties":{"objectType":"detection"}}'
)


@pytest.mark.parametrize("gap", [0, 1, 2, 4])
@pytest.mark.parametrize("between", ["", ",,", ";", ",5,", "5,", ",null", ", ]", ",[", "},"])
def test_what_stands_between_objects_is_read_too(tmp_path, gap, between):
    """Refused wherever it stands, also where a comma is just replaced by something as long."""
    parts = [PLAIN, ",", PLAIN, ",", PLAIN, ",", PLAIN, ",", PLAIN]
    if gap == 4:
        # One comma after the last object is read: InstanSeg writes it.
        parts.append(between or ";")
    else:
        parts[2 * gap + 1] = between
    path = tmp_path / "a.geojson"
    path.write_text("[" + "".join(parts) + "]")
    with pytest.raises(BadInputError, match=r"a\.geojson"):
        read_qupath(path)


@pytest.mark.parametrize("gaps", [(",", ",", ","), (",\n", ",\n", ",\n"), (", ", "\n,\n", ",")])
def test_spaces_between_objects_are_free(tmp_path, gaps):
    path = tmp_path / "a.geojson"
    path.write_text(f"[ {PLAIN}{gaps[0]}{PLAIN}{gaps[1]}{PLAIN}{gaps[2]}{PLAIN}\n]\n")
    assert len(read_qupath(path).annotations) == 4


@pytest.mark.parametrize("count", [1, 2, 5])
def test_objects_beside_the_list_are_no_features(tmp_path, count):
    path = tmp_path / "a.geojson"
    beside = '"crs":{"type":"name","properties":{"name":"none"}}'
    path.write_text(f'{{{beside},"features":[{",".join([PLAIN] * count)}],{beside[:4]}2{beside[4:]}}}')
    assert len(read_qupath(path).annotations) == count
