"""What somebody draws in QuPath beside cells: areas, classes that it ignores, other planes, nuclei, names."""

import json

import numpy as np
import pytest
from PIL import Image

from bmbench.core.errors import BadInputError, UnknownNameError
from bmbench.core.progress import Silent
from bmbench.core.types import Role
from bmbench.datasets.exchange.convert import convert
from bmbench.datasets.formats.recognise import read_any


def square(x, y, side, kind="annotation", name=None, **more):
    ring = [[x, y], [x + side, y], [x + side, y + side], [x, y + side], [x, y]]
    properties = {"objectType": kind}
    if name:
        properties["classification"] = {"name": name}
    geometry = {"type": "Polygon", "coordinates": [ring], **more.pop("geometry", {})}
    return {"type": "Feature", "geometry": geometry, "properties": properties | more.pop("own", {}), **more}


def written(folder, *features, name="f"):
    folder.mkdir(exist_ok=True)
    Image.new("RGB", (600, 600), (230, 220, 230)).save(folder / f"{name}.png")
    text = json.dumps({"type": "FeatureCollection", "features": features})
    (folder / f"{name}.geojson").write_text(text)
    return folder


def found(folder, **choices):
    """Class and box of every object, and the notes."""
    content = read_any(folder, choices=choices)
    objects = [
        (content.categories[label].name, *box.tolist()[:2], float(box[2] - box[0]))
        for sample in content.samples
        for label, box in zip(sample.annotations.label, sample.annotations.box, strict=True)
    ]
    return objects, content.notes


CELLS = (square(40, 40, 20, "detection", "WBC"), square(90, 90, 20, "cell", "RBC"))


def test_areas_of_detections_and_ignored_classes_are_left_out_by_name(tmp_path):
    areas = [
        square(0, 0, 500, name="Region*"),
        square(20, 20, 300, name="Tumor"),
        square(30, 30, 290),
        square(400, 20, 60, name="Necrosis*"),
        # An area in which nothing was found is one like the others of its class.
        square(20, 350, 200, name="Tumor"),
    ]
    objects, notes = found(written(tmp_path, *areas, *CELLS))
    assert objects == [("WBC", 40, 40, 20), ("RBC", 90, 90, 20)]
    said = "\n".join(notes)
    for text in ("Region*, which QuPath", "Necrosis*, which", "class Tumor that holds other objects (2)"):
        assert text in said
    everything, _ = found(tmp_path, objects="all")
    assert len(everything) == 7


def test_an_area_with_one_cell_is_an_area_and_a_cell_drawn_over_its_detection_is_none(tmp_path):
    one = written(tmp_path / "one", square(0, 0, 200, name="Tumor"), square(50, 50, 20, "detection", "WBC"))
    assert found(one)[0] == [("WBC", 50, 50, 20)]
    twice = written(
        tmp_path / "twice", square(48, 48, 24, name="WBC"), square(50, 50, 20, "detection", "WBC")
    )
    assert len(found(twice)[0]) == 2


def test_a_square_to_count_in_drawn_around_annotations(tmp_path):
    """No class tells them apart: it is far larger than the others of its class."""
    cells = [square(30 * n + 10, 50, 20) for n in range(5)]
    objects, notes = found(written(tmp_path, square(0, 0, 400), *cells))
    assert [side for *_, side in objects] == [20] * 5
    assert "f.png: left out: area of the class cell that holds other objects" in notes


def test_a_large_cell_around_a_small_one_stays_a_cell_though_its_image_has_no_other(tmp_path):
    written(tmp_path, square(100, 100, 90, name="WBC"), square(120, 120, 15, name="Platelet"), name="a")
    written(tmp_path, square(100, 100, 80, name="WBC"), square(300, 300, 15, name="Platelet"), name="b")
    assert sorted(name for name, *_ in found(tmp_path)[0]) == ["Platelet", "Platelet", "WBC", "WBC"]


def test_what_bmbench_writes_is_read_back_whatever_it_holds(tmp_path):
    written(tmp_path / "in", square(0, 0, 400, name="Stroma"), *CELLS, square(450, 450, 30, name="odd*"))
    everything = read_any(tmp_path / "in", choices={"objects": "all"})
    convert(everything, tmp_path / "out", to="qupath", progress=Silent())
    again = read_any(tmp_path / "out")
    np.testing.assert_allclose(again.samples[0].annotations.box, everything.samples[0].annotations.box)


def test_kinds_are_chosen(tmp_path):
    written(tmp_path, square(200, 200, 20, name="WBC"), *CELLS)
    assert len(found(tmp_path)[0]) == 3
    assert [name for name, *_ in found(tmp_path, objects="annotations")[0]] == ["WBC"]
    objects, notes = found(tmp_path, objects="cells")
    assert [name for name, *_ in objects] == ["RBC"]
    assert "f.png: left out: detection" in notes
    assert "f.png: left out: annotation" in notes
    assert len(found(tmp_path, objects="detections")[0]) == 2
    with pytest.raises(UnknownNameError, match="did you mean 'cells'"):
        found(tmp_path, objects="cell")


def test_the_nucleus_or_the_whole_cell(tmp_path):
    nucleus = square(95, 95, 8)["geometry"]
    whole = square(90, 90, 20, "cell", "RBC", nucleusGeometry=nucleus)
    written(tmp_path, whole, square(10, 10, 20, "cell", "RBC"), square(300, 300, 20, name="WBC"))
    objects, notes = found(tmp_path)
    assert ("RBC", 90, 90, 20) in objects
    assert "f.png: left out: the nuclei of 1 cells" in notes
    objects, notes = found(tmp_path, outline="nucleus")
    assert objects == [("RBC", 95, 95, 8), ("WBC", 300, 300, 20)]
    assert "f.png: left out: cell without a nucleus" in notes


def test_objects_of_other_planes_are_never_laid_on_the_image(tmp_path):
    def on(x, z):
        return square(x, 50, 20, "detection", geometry={"plane": {"c": -1, "z": z, "t": 0}})

    objects, notes = found(written(tmp_path / "first", on(10, 0), square(50, 50, 20, "detection"), on(90, 3)))
    assert [x for _, x, *_ in objects] == [10, 50]
    assert "f.png: left out: object on another plane of the stack, z 3, t 0" in notes
    assert len(found(written(tmp_path / "one", on(10, 3), on(50, 3)))[0]) == 2
    several = written(tmp_path / "several", on(10, 2), on(50, 3))
    with pytest.raises(BadInputError, match=r"objects on 2 planes of a stack.* --option plane=3"):
        found(several)
    assert [x for _, x, *_ in found(several, plane="3")[0]] == [50]


def test_names_without_a_class_are_told(tmp_path):
    _, notes = found(written(tmp_path, square(10, 10, 20, own={"name": "UT"}), square(50, 10, 20)))
    assert notes == ("f.png: objects with a name and no class: UT",)


def test_a_collection_is_one_object_of_its_outlines(tmp_path):
    parts = [square(10, 10, 20)["geometry"], square(50, 10, 20)["geometry"]]
    line = {"type": "LineString", "coordinates": [[0, 0], [5, 5]]}
    whole = square(0, 0, 1) | {"geometry": {"type": "GeometryCollection", "geometries": [*parts, line]}}
    content = read_any(written(tmp_path, whole))
    assert content.samples[0].annotations.box.tolist() == [[10, 10, 70, 30]]
    assert len(content.samples[0].annotations.contour[0]) == 2
    assert content.notes == ("f.png: left out: part of the shape LineString",)


def test_ignored_areas_stay_regions(tmp_path):
    content = read_any(written(tmp_path, square(0, 0, 300, name="Ignore*"), *CELLS))
    assert content.samples[0].annotations.role.tolist() == [Role.IGNORE, Role.CELL, Role.CELL]
