import json
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO

from bmbench.core.errors import BadInputError
from bmbench.core.types import Annotations, Category, Role, Sample
from bmbench.datasets.formats.coco.samples import read_coco, write_coco
from bmbench.datasets.formats.label_image import label_annotations

CATEGORIES = (Category(id=3, name="blast"), Category(id=1, name="smudge cell", artefact=True))


def image_sample(annotations, image_id="a", **facts):
    plain = {"name": f"{image_id}.png", "width": 64, "height": 48, "group": f"{image_id}.png"}
    load = partial(np.zeros, (48, 64, 3), np.uint8)
    return Sample(image_id=image_id, annotations=annotations, load=load, **(plain | facts))


COORDINATE = st.floats(-100, 1000, width=64)
EXTENT = st.floats(0.01, 200)


@st.composite
def objects(draw):
    """(xy, box, circle, contour, label, role, region) of one object, with any of its geometries."""
    x, y, w, h = draw(COORDINATE), draw(COORDINATE), draw(EXTENT), draw(EXTENT)
    circle = (x, y, w) if draw(st.booleans()) else (0.0, 0.0, 0.0)
    ring = st.lists(st.tuples(COORDINATE, COORDINATE), min_size=3, max_size=6)
    contour = tuple(np.array(points) for points in draw(st.lists(ring, max_size=2)))
    xy = (draw(COORDINATE), draw(COORDINATE)) if draw(st.booleans()) else (x + w / 2, y + h / 2)
    label = draw(st.integers(0, 1))
    own_role = Role.ARTEFACT if CATEGORIES[label].artefact else Role.CELL
    region = draw(st.booleans())
    role = Role.IGNORE if region or draw(st.booleans()) else own_role
    return xy, (x, y, x + w, y + h), circle, contour, label, role, region


def annotations_of(rows):
    if not rows:
        return Annotations.empty()
    xy, box, circle, contour, label, role, region = zip(*rows, strict=True)
    return Annotations(
        xy=np.array(xy),
        box=np.array(box),
        circle=np.array(circle),
        contour=contour,
        label=np.array(label),
        role=np.array(role, np.int64),
        region=np.array(region),
    )


def assert_same(a, b):
    for name in ("xy", "box", "circle"):
        assert_allclose(getattr(a, name), getattr(b, name), atol=2e-6, err_msg=name)
    for name in ("label", "role", "region"):
        assert_array_equal(getattr(a, name), getattr(b, name), err_msg=name)
    assert [len(rings) for rings in a.contour] == [len(rings) for rings in b.contour]
    for rings, others in zip(a.contour, b.contour, strict=True):
        for ring, other in zip(rings, others, strict=True):
            assert_allclose(ring, other, atol=1e-6)


@given(st.lists(objects(), max_size=4))
def test_writing_and_reading_gives_the_same_objects_and_the_same_bytes(tmp_path_factory, rows):
    folder = tmp_path_factory.mktemp("coco")
    samples = (
        image_sample(annotations_of(rows)),
        image_sample(Annotations.empty(), 7, group="patient 3", um_per_px=0.25),
    )
    write_coco(folder / "one.json", samples, CATEGORIES, subsets={7: "validation"})
    found = read_coco(folder / "one.json")
    assert found.categories == CATEGORIES
    assert found.subsets == {7: "validation"}
    for before, after in zip(samples, found.samples, strict=True):
        for fact in ("image_id", "name", "width", "height", "group", "um_per_px"):
            assert getattr(before, fact) == getattr(after, fact)
        assert_same(before.annotations, after.annotations)
    write_coco(folder / "two.json", found.samples, found.categories, subsets=found.subsets)
    assert (folder / "one.json").read_bytes() == (folder / "two.json").read_bytes()


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_pycocotools_reads_what_is_written(tmp_path):
    labels = np.zeros((48, 64), int)
    labels[3:20, 5:30], labels[20:25, 29:33], labels[40:44, 10:60] = 1, 1, 2
    labels[5:9, 7:15] = 0
    write_coco(tmp_path / "a.json", [image_sample(label_annotations(labels))], CATEGORIES)
    coco = COCO(tmp_path / "a.json")
    first, second = coco.loadAnns(coco.getAnnIds())
    assert_array_equal(coco.annToMask(first), labels == 1)
    assert_array_equal(coco.annToMask(second), labels == 2)
    assert (first["bbox"], first["area"]) == ([5, 3, 28, 22], 17 * 25 + 5 * 4 - 4 * 8)
    assert coco.loadCats([1, 3])[0]["supercategory"] == "artefact"


def test_a_role_that_contradicts_its_category_is_a_programming_error(tmp_path):
    wrong = annotations_of([((5.0, 5.0), (0.0, 0.0, 10.0, 10.0), (0.0, 0.0, 0.0), (), 1, Role.CELL, False)])
    with pytest.raises(ValueError, match="'smudge cell' has the role CELL"):
        write_coco(tmp_path / "a.json", [image_sample(wrong)], CATEGORIES)
    assert not list(tmp_path.iterdir())


def plain_file():
    return {
        "images": [{"id": 1, "file_name": "a.png", "width": 64, "height": 48}],
        "categories": [{"id": 1, "name": "cell"}, {"id": 2, "name": "smudge", "supercategory": "artefact"}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [10, 20, 6, 8]}],
    }


def read_value(folder, value):
    (folder / "gt.json").write_text(value if isinstance(value, str) else json.dumps(value))
    return read_coco(folder / "gt.json")


def read_one(folder, **members):
    """The only object of a file whose only annotation has these members."""
    value = plain_file()
    record = value["annotations"][0] | members
    value["annotations"] = [{key: item for key, item in record.items() if item is not None}]
    return read_value(folder, value).samples[0].annotations


def test_a_plain_coco_file_needs_no_extras(tmp_path):
    found = read_value(tmp_path, plain_file())
    sample = found.samples[0]
    assert (sample.name, sample.group, sample.um_per_px, found.subsets) == ("a.png", "a.png", None, {})
    assert_array_equal(sample.annotations.box, [[10, 20, 16, 28]])
    assert_array_equal(sample.annotations.xy, [[13, 24]])
    assert sample.annotations.role.tolist() == [Role.CELL]
    assert sample.annotations.contour == ((),)


def test_the_centre_is_the_given_one_else_the_circles_else_the_boxs(tmp_path):
    assert_array_equal(read_one(tmp_path, circle=[3, 4, 5]).xy, [[3, 4]])
    assert_array_equal(read_one(tmp_path, circle=[3, 4, 5], center=[1, 2]).xy, [[1, 2]])
    assert_array_equal(read_one(tmp_path, circle=[3, 4, 5], bbox=None).box, [[-2, -1, 8, 9]])
    triangle = [[0, 0, 10, 0, 0, 7]]
    assert_array_equal(read_one(tmp_path, segmentation=triangle, bbox=None).box, [[0, 0, 10, 7]])
    assert_array_equal(read_one(tmp_path, segmentation=triangle, bbox=None).xy, [[5, 3.5]])
    point = read_one(tmp_path, center=[20.5, 9], bbox=None)
    assert_array_equal(point.xy, [[20.5, 9]])
    assert_array_equal(point.box, [[20.5, 9, 20.5, 9]])


def test_ignored_objects_and_regions_are_kept_apart(tmp_path):
    for members, role, region in (
        ({}, Role.CELL, False),
        ({"ignore": 1}, Role.IGNORE, False),
        ({"iscrowd": 1}, Role.IGNORE, True),
        ({"iscrowd": 1, "ignore": 0}, Role.IGNORE, True),
        ({"category_id": 2}, Role.ARTEFACT, False),
        ({"category_id": 2, "ignore": 1}, Role.IGNORE, False),
    ):
        found = read_one(tmp_path, **members)
        assert (found.role[0], found.region[0]) == (role, region), members


@pytest.mark.parametrize("compressed", [True, False])
def test_run_lengths_become_the_outline_of_pycocotools_mask(tmp_path, compressed):
    mask = np.zeros((48, 64), np.uint8)
    mask[5:20, 8:30] = 1
    mask[9:12, 10:20] = 0
    encoded = coco_mask.encode(np.asfortranarray(mask))
    counts = encoded["counts"].decode()
    if not compressed:
        flat = mask.T.ravel()
        edges = np.flatnonzero(np.diff(flat)) + 1
        counts = np.diff(np.concatenate([[0], edges, [flat.size]])).tolist()
    found = read_one(tmp_path, segmentation={"size": [48, 64], "counts": counts}, bbox=None)
    assert_array_equal(found.box, [[8, 5, 30, 20]])
    assert_array_equal(found.contour[0][0], [[8, 5], [30, 5], [30, 20], [8, 20]])
    assert_array_equal(found.contour[0][1], [[10, 9], [10, 12], [20, 12], [20, 9]])


def test_images_are_found_beside_the_file_in_images_or_where_told(tmp_path):
    assert read_value(tmp_path, plain_file()).samples[0].file == tmp_path / "a.png"
    (tmp_path / "images").mkdir()
    assert read_value(tmp_path, plain_file()).samples[0].file == tmp_path / "images" / "a.png"
    (tmp_path / "a.png").touch()
    assert read_value(tmp_path, plain_file()).samples[0].file == tmp_path / "a.png"
    elsewhere = read_coco(tmp_path / "gt.json", images=tmp_path / "there")
    assert elsewhere.samples[0].file == tmp_path / "there" / "a.png"


def with_annotation(**members):
    def change(value):
        value["annotations"][0] |= members

    return change


def with_image(**members):
    def change(value):
        value["images"][0] |= members

    return change


BAD = {
    "negative width": (with_annotation(bbox=[1, 2, -3, 4]), r"annotations\[0\]\.bbox: box with a negative"),
    "short box": (with_annotation(bbox=[1, 2, 3]), r"annotations\[0\]\.bbox: wrong length"),
    "text in a box": (with_annotation(bbox=[1, 2, 3, "four"]), r"bbox\[3\]: not a finite number"),
    "true in a box": (with_annotation(bbox=[1, 2, 3, True]), r"bbox\[3\]: not a finite number"),
    "box that is no list": (with_annotation(bbox="1 2 3 4"), r"bbox: not a list of 4 numbers"),
    "unknown image": (with_annotation(image_id=2), r"annotations\[0\]: unknown image_id .*'images'.*got 2"),
    "image id of another type": (with_annotation(image_id="one"), "unknown image_id .*'one'"),
    "unknown category": (with_annotation(category_id=9), "unknown category_id .*got 9"),
    "circle of no size": (with_annotation(circle=[1, 2, 0]), r"\.circle: circle without extent"),
    "short centre": (with_annotation(center=[1]), r"\.center: wrong length"),
    "ignore 2": (with_annotation(ignore=2), r"\.ignore: not 0 or 1"),
    "two-cornered polygon": (with_annotation(segmentation=[[1, 2, 3, 4]]), "not a polygon"),
    "odd polygon": (with_annotation(segmentation=[[1, 2, 3, 4, 5, 6, 7]]), "not a polygon"),
    "segmentation that is no list": (with_annotation(segmentation=3), "not a segmentation"),
    "mask of another size": (
        with_annotation(segmentation={"size": [64, 48], "counts": [64 * 48]}),
        "mask of another size than the image",
    ),
    "mask too short": (
        with_annotation(segmentation={"size": [48, 64], "counts": [5]}),
        r"counts: not a run-length mask .*runs of 5 pixels",
    ),
    "no geometry": (lambda v: v["annotations"][0].pop("bbox"), "object without a place"),
    "annotation twice": (
        lambda v: v["annotations"].append(v["annotations"][0]),
        r"annotations\[1\]: duplicate",
    ),
    "image twice": (lambda v: v["images"].append(v["images"][0]), r"images\[1\]: duplicate id"),
    "category twice": (lambda v: v["categories"].append(v["categories"][0]), r"categories\[2\]: duplicate"),
    "no category": (lambda v: v["categories"].clear(), "no category"),
    "category without a name": (
        lambda v: v["categories"][0].pop("name"),
        r"categories\[0\]\.name: not a text",
    ),
    "annotations that are no list": (lambda v: v.update(annotations={}), r"annotations: not a list"),
    "annotation that is no object": (
        lambda v: v["annotations"].append(3),
        r"annotations\[1\]: not an object",
    ),
    "image without a size": (lambda v: v["images"][0].pop("width"), r"images\[0\]\.width: not a whole"),
    "image of no size": (with_image(width=0), "image without pixels"),
    "image id that is a list": (with_image(id=[1]), r"images\[0\]\.id: not a whole number"),
    "image without a file": (with_image(file_name=""), r"file_name: not a text"),
    "unknown subset": (with_image(split="holdout"), r"\.split: unknown value .*expected train or"),
    "subset that is a list": (with_image(split=["test"]), r"\.split: not a text"),
    "pixel of no size": (with_image(um_per_px=0), r"um_per_px: not a number above 0"),
    "pixel size in words": (with_image(um_per_px="small"), r"um_per_px: not a number above 0"),
    "no images member": (lambda v: v.pop("images"), "not a COCO data set .*an object with categories, annot"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_wrong_file_is_one_sentence_that_names_the_record(tmp_path, case):
    change, message = BAD[case]
    value = plain_file()
    change(value)
    with pytest.raises(BadInputError, match=message) as caught:
        read_value(tmp_path, value)
    assert str(caught.value).startswith(str(tmp_path / "gt.json"))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[]", "not a COCO data set .*got a list"),
        ("3", "not a COCO data set"),
        ("{", "not valid JSON"),
        ("", "not valid JSON"),
        ('{"images": NaN}', "not valid JSON"),
        (json.dumps(plain_file()).replace("[10, ", "[1e999, "), "not a finite number"),
        (json.dumps(plain_file()).replace("[10, ", f"[1{'0' * 400}, "), "not a finite number"),
    ],
)
def test_what_is_not_coco_is_one_sentence(tmp_path, text, message):
    with pytest.raises(BadInputError, match=message):
        read_value(tmp_path, text)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(BadInputError, match=r"gone\.json: file not found"):
        read_coco(tmp_path / "gone.json")
