"""Texts that Python alone takes for numbers are refused by all who read numbers, each in its own words."""

import json
from functools import partial

import numpy as np
import pytest
import tifffile
from PIL import Image

from bmbench.api.columns import numbers
from bmbench.benchmark.budget.options import parse_shares
from bmbench.benchmark.counting.cell_files import read_cell_table
from bmbench.benchmark.protocol.other_sets import OtherSet
from bmbench.benchmark.records.history import COLUMNS, read_history
from bmbench.cli.counting import _cut_offs
from bmbench.core.dataset import LoadRequest
from bmbench.core.errors import BadInputError
from bmbench.core.numerals import numeral
from bmbench.datasets.exchange.split_files import parse_sizes
from bmbench.datasets.formats.kainz_points import read_mbm_additions, read_points
from bmbench.datasets.formats.recognise import read_any
from bmbench.datasets.formats.settle import white_value
from bmbench.datasets.formats.yolo_names import key_point_numbers
from bmbench.datasets.sets.options import positive
from bmbench.datasets.sets.pig_wbc import DATASET as PIG_WBC
from bmbench.datasets.slides import opened
from bmbench.leaderboards.submissions.submit import parsed_costs
from bmbench.metrics.operating_point import WantedPoint
from bmbench.metrics.radii import parsed_radii

ASAP = "<ASAP_Annotations><Annotation Type='Dot'>{}</Annotation></ASAP_Annotations>"
SCOPE = "<Annotations><Annotation><Region Type='0'>{}</Region></Annotation></Annotations>"
VERTICES = "<Vertex X='@' Y='1'/><Vertex X='20' Y='1'/><Vertex X='20' Y='9'/>"
VOC = "<annotation><size><width>40</width><height>20</height></size>{}</annotation>"
BOX = "<bndbox><xmin>@</xmin><ymin>1</ymin><xmax>20</xmax><ymax>9</ymax></bndbox>"
POINT = {"type": "Point", "coordinates": ["@", 5]}
REGION = {"shape_attributes": {"name": "point", "cx": 9, "cy": 9}, "region_attributes": {"score": "@"}}
COCO = {
    "images": [{"id": 1, "file_name": "a.png", "width": "40", "height": 20}],
    "categories": [{"id": 1, "name": "x"}],
    "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": ["@", 1, 5, 5]}],
}
FORMS = {
    "yolo": ("a.txt", "0 0.5 0.5 0.@ 0.2", "not a line of the format"),
    "yolo-class": ("a.txt", "@ 0.5 0.5 0.1 0.2", "not a line of the format"),
    "yolo-confidence": ("a.txt", "0 0.5 0.5 0.1 0.2 0.@", "and no confidence"),
    "yolo-dota": ("a.txt", "@ 2 20 2 20 12 10 12 large_cell 0", "not a line of the format"),
    "cellpose": ("a_cp_outlines.txt", "@,2,20,2,20,12\n", "not an outline"),
    "csv": ("a.csv", "image,x,y,radius\na.png,@,9,4\n", "not a number of sensible size"),
    "csv-semicolon": ("a.csv", "image;x;y\na.png;@,5;9\n", "not a number of sensible size"),
    "csv-trackmate": ("a.csv", "POSITION_X,x,y,image\n,@,9,a.png\n", "not a number of sensible size"),
    "cvat": ("a.xml", "<box label='x' xtl='@' ytl='1' xbr='20' ybr='9'/>", "without a number"),
    "cvat-points": ("a.xml", "<polygon label='x' points='@,1;20,1;20,9'/>", "not a list of points"),
    "cvat-mask": (
        "a.xml",
        "<mask label='x' rle='0,@' left='1' top='1' width='5' height='2'/>",
        "do not fill",
    ),
    "voc": ("a.xml", VOC.format(f"<object><name>x</name>{BOX}</object>"), "no number <xmin>"),
    "asap": ("a.xml", ASAP.format("<Coordinate Order='0' X='@' Y='1'/>"), "annotation without coordinates"),
    "asap-order": (
        "a.xml",
        ASAP.format("<Coordinate Order='@' X='1' Y='1'/>"),
        "annotation without coordinates",
    ),
    "imagescope": ("a.xml", SCOPE.format(VERTICES), "region without vertices"),
    "qupath": ("a.geojson", json.dumps({"type": "Feature", "geometry": POINT}), "not a position"),
    "via": ("a.json", json.dumps({"a.png1": {"filename": "a.png", "regions": [REGION]}}), "not a confidence"),
    "coco": ("annotations.json", json.dumps(COCO), "bbox"),
}
"""Name → file, its text with @ for a number, what is said of it."""


def read_form(place, number, *, name):
    Image.new("RGB", (40, 20)).save(place / "a.png")
    file, text, _ = FORMS[name]
    if name.startswith("cvat"):
        text = f"<annotations><image id='0' name='a.png' width='40' height='20'>{text}</image></annotations>"
    (place / file).write_text(text.replace("@", number), "utf-8")
    read_any(f"{name.partition('-')[0]}:{place / file}")


def read_kainz(place, number):
    (place / "a.txt").write_text(f"1 3 0\n{number} 5 1\n", "utf-8")
    read_points(place / "a.txt")


def read_key_points(place, number):
    (place / "data.yaml").write_text(f"kpt_shape: [{number}, 3]\nnames: [x]\n", "utf-8")
    key_point_numbers(place / "data.yaml")


def read_mbm(place, number):
    (place / "a.csv").write_text(f"x,y,in_kainz\n{number},5,0\n", "utf-8")
    read_mbm_additions(place / "a.csv")


def read_cells(place, number):
    head = "image,class,confidence,x_px,y_px,left_px,top_px,width_px,height_px"
    (place / "a.csv").write_text(f"{head}\na.png,x,0.5,{number},9,1,1,2,2\n", "utf-8")
    read_cell_table(place / "a.csv")


def read_losses(place, number, *, step="1", loss="2"):
    line = f"fit,{step.format(number)},{loss.format(number)},,,1"
    (place / "history.csv").write_text(f"{','.join(COLUMNS)}\n{line}\n", "utf-8")
    read_history(place)


def read_with(place, number, *, name, **choices):
    Image.new("RGB", (40, 20)).save(place / "a.png")
    feature = {"type": "Feature", "geometry": {"type": "Point", "coordinates": [5, 5]}, "properties": {}}
    (place / "a.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": [feature] * 2}))
    (place / "a.csv").write_text("image,x,y\na.png,5,5\n")
    texts = {choice: text.format(number) for choice, text in choices.items()}
    read_any(f"qupath:{place / 'a.geojson'}" if name == "qupath" else f"csv:{place / 'a.csv'}", choices=texts)


def read_option(_place, number):
    positive(LoadRequest(options={"radius_px": number}), "radius_px", 1.0)


def read_pig(place, number):
    for part in ("train", "valid", "test"):
        for kind in ("images", "labels"):
            (place / part / kind).mkdir(parents=True)
        Image.new("RGB", (40, 20)).save(place / part / "images" / f"{part}.png")
        (place / part / "labels" / f"{part}.txt").write_text(f"0 0.5 0.5 0.{number} 0.2", "utf-8")
    PIG_WBC.load(LoadRequest(data=place))


READERS = {
    **{name: (partial(read_form, name=name), said) for name, (_, _, said) in FORMS.items()},
    "kainz": (read_kainz, "not a number"),
    "key-points": (read_key_points, "kpt_shape is no pair"),
    "mbm": (read_mbm, "not a number"),
    "cells": (read_cells, "not a number"),
    "history-step": (partial(read_losses, step="{}"), "not a line of a history"),
    "history-loss": (partial(read_losses, loss="{}"), "not a line of a history"),
    "option-plane": (partial(read_with, name="qupath", plane="{}"), "--option plane"),
    "option-margin": (partial(read_with, name="qupath", margin_px="{}"), "--option margin_px"),
    "option-scale": (partial(read_with, name="csv", um_per_px="{}"), "um_per_px"),
    "option-radius": (partial(read_with, name="csv", radius="{}"), "not a number of sensible size"),
    "option-white": (lambda _, number: white_value(number, option="white"), "white"),
    "set-option": (read_option, "a number above 0"),
    "set-labels": (read_pig, "not a line of YOLO text"),
    "sizes": (lambda _, number: parse_sizes(f"57,11,11,{number}"), "--sizes"),
    "radius": (lambda _, number: parsed_radii([number], []), "--radius"),
    "at": (lambda _, number: WantedPoint.parsed(f"recall=0.{number}"), "--at"),
    "test-on": (lambda _, number: OtherSet.parse(f"a.json,cell_px={number}"), "cell_px"),
    "shares": (lambda _, number: parse_shares([number]), "--shares"),
    "cost": (lambda _, number: parsed_costs([f"ms_per_image={number}"]), "--cost"),
    "cut-off": (lambda _, number: _cut_offs([f"a={number}"]), "--cut-off"),
    "arrays": (lambda _, number: numbers([1.0, number], "x"), "not a column of numbers"),
}


@pytest.mark.parametrize("number", ["1_0", "١٠", "1٠"])
@pytest.mark.parametrize("name", READERS)
def test_what_only_python_takes_for_a_number_is_refused(tmp_path, name, number):
    read, said = READERS[name]
    (tmp_path / "good").mkdir()
    read(tmp_path / "good", "10")
    with pytest.raises(BadInputError, match=said):
        read(tmp_path, number)


@pytest.mark.parametrize(("number", "found"), [("0.25", 0.25), ("0.2_5", None), ("٠.٢٥", None)])
def test_a_scale_that_is_no_number_is_none(tmp_path, number, found):
    xml = (
        '<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">'
        f'<Image ID="Image:0"><Pixels PhysicalSizeX="{number}" PhysicalSizeY="0.25" ID="Pixels:0" '
        'DimensionOrder="XYCZT" Type="uint8" SizeX="40" SizeY="20" SizeC="3" SizeZ="1" SizeT="1">'
        "<TiffData/></Pixels></Image></OME>"
    )
    path = tmp_path / "a.ome.tif"
    tifffile.imwrite(path, np.zeros((20, 40, 3), np.uint8), description=xml.encode(), metadata=None)
    with opened(path) as slide:
        assert slide.um_per_px == found


@pytest.mark.parametrize(
    "text", [" 10", "10\t", "\xa010\u2003", "1\xa02", "1e1", "+10", "-inf", "nan", ".5", "5."]
)
def test_other_numbers_are_what_they_were(text):
    assert numeral(text) == text


def test_what_is_no_text_is_passed_on():
    assert [numeral(value) for value in (10, 0.5, None)] == [10, 0.5, None]
