"""Annotation files that are written as text, against the standard library's own writers."""

from xml.etree import ElementTree

import numpy as np
import pytest

from bmbench.core.types import Annotations, Category, Role, Sample
from bmbench.datasets.formats import voc, yolo
from bmbench.datasets.formats.codec import Content

NAMES = ("cell", "a & b <c> \"d\" 'e'", "Zellkörper µ\tx")


def content(n):
    """One image with so many boxes, of all classes and roles, on whole pixels and between."""
    rng = np.random.default_rng(n)
    low = np.round(rng.uniform(0, 500, (n, 2)), rng.integers(0, 4))
    box = np.concatenate([low, low + np.round(rng.uniform(0, 9, (n, 2)), 2)], axis=1)
    role = rng.choice([Role.CELL, Role.ARTEFACT, Role.IGNORE], n).astype(np.int64)
    label = rng.integers(0, len(NAMES), n)
    annotations = Annotations.of(
        xy=low, box=box, label=label, role=role, region=(role == Role.IGNORE) & (low[:, 0] < 250)
    )
    sample = Sample(
        image_id=1, name="a & b.png", width=640, height=480, group="", annotations=annotations, load=None
    )
    categories = tuple(Category(id=row, name=name, artefact=False) for row, name in enumerate(NAMES))
    return Content(samples=(sample,), categories=categories)


@pytest.mark.parametrize("n", [0, 1, 40])
def test_voc_files_are_what_elementtree_would_write(tmp_path, n):
    one = content(n)
    left = voc.write(tmp_path / "a.xml", one)
    root = ElementTree.fromstring((tmp_path / "a.xml").read_bytes())
    ElementTree.indent(root)
    assert (tmp_path / "a.xml").read_bytes() == ElementTree.tostring(root, encoding="utf-8")
    annotations = one.samples[0].annotations
    kept = np.setdiff1d(np.arange(n), [part.row for part in left])
    assert [item.findtext("name") for item in root.iter("object")] == [
        NAMES[label] for label in annotations.label[kept]
    ]
    corners = [[float(corner.text) for corner in item] for item in root.iter("bndbox")]
    np.testing.assert_allclose(
        np.reshape(corners, (-1, 4)), annotations.box[kept] + [1, 1, 0, 0], atol=1e-6, rtol=0
    )
    small = (annotations.box[:, 2:] - annotations.box[:, :2]).min(axis=1, initial=np.inf) <= 1
    np.testing.assert_array_equal(np.flatnonzero(small | annotations.region), [part.row for part in left])
    assert [part.why.startswith("box") for part in left] == small[[part.row for part in left]].tolist()


def test_numbers_of_yolo_files_end_in_no_zero():
    values = [0.0, 1.0, 10.0, 0.5, 1 / 3, 0.1 + 0.2, 1e-12, 4e-13, 0.100000000001, 100.25]
    words = [
        "0",
        "1",
        "10",
        "0.5",
        "0.333333333333",
        "0.3",
        "0.000000000001",
        "0",
        "0.100000000001",
        "100.25",
    ]
    assert yolo._numbers(values) == " ".join(words)


@pytest.mark.parametrize("line", ["0 0,5 0.25 0.5 0,75", "0 0.5 0.25 0.5 0.75", "0 .5 2.5e-1 +0.5 75e-2"])
def test_numbers_of_yolo_files_may_have_commas(line):
    assert yolo._values(line, line.split()).tolist() == [0.0, 0.5, 0.25, 0.5, 0.75]


def test_a_word_among_the_numbers_of_a_yolo_file_is_none():
    np.testing.assert_array_equal(yolo._values("0 0,5 x 1", ["0", "0,5", "x", "1"]), [0.0, 0.5, np.nan, 1.0])
