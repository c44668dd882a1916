"""A detector's labels in the classes of a data set."""

import numpy as np
import pytest

from bmbench.benchmark.protocol.classes import CLASSES, as_classes_of
from bmbench.core.types import Category, Detections

BLAST, SMUDGE = Category(id=4, name="blast"), Category(id=9, name="smudge", artefact=True)
DEBRIS, MONOCYTE = Category(id=2, name="debris", artefact=True), Category(id=7, name="monocyte")


def said():
    """A cell, an artefact, a cell."""
    return Detections.of(
        xy=np.array([[1.0, 1.0], [2.0, 2.0], [3.0, 3.0]]),
        box=np.zeros((3, 4)),
        confidence=np.ones(3),
        label=np.array([0, 1, 0]),
    )


@pytest.mark.parametrize(
    ("categories", "cell", "artefact"),
    # An artefact may stand first in a file: a cell is no artefact for that.
    [((BLAST, SMUDGE), 0, 1), ((DEBRIS, BLAST, SMUDGE, MONOCYTE), 1, 0), (CLASSES, 0, 1)],
)
def test_labels_name_the_first_category_of_their_kind(categories, cell, artefact):
    found = as_classes_of(categories, said())
    assert found.label.tolist() == [cell, artefact, cell]
    assert found.xy.tolist() == said().xy.tolist()


def test_where_nothing_is_asked_about_artefacts_they_are_left_out():
    found = as_classes_of((MONOCYTE, BLAST), said())
    assert found.label.tolist() == [0, 0]
    assert found.xy.tolist() == [[1, 1], [3, 3]]
