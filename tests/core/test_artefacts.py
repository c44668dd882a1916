"""What a user says of classes, beside what files say of them."""

import numpy as np
import pytest

from bmbench.core.artefacts import Declared, artefacts_line
from bmbench.core.errors import BadInputError
from bmbench.core.types import Category, GroundTruth, Role

CLASSES = (Category(id=1, name="WBC"), Category(id=7, name="artifact, dark", artefact=True))


def truth_of(labels, roles):
    n = len(labels)
    return GroundTruth(
        image_ids=(1,),
        groups=("1",),
        categories=CLASSES,
        image=np.zeros(n, np.int64),
        xy=np.zeros((n, 2)),
        box=np.zeros((n, 4)),
        label=np.array(labels),
        role=np.array(roles),
        region=np.zeros(n, bool),
    )


def test_declared_classes_change_kind_and_ignored_objects_stay_ignored():
    declared = Declared(artefacts=("WBC",), cells=("artifact, dark",))
    truth = truth_of([0, 1, 0, 1], [Role.CELL, Role.ARTEFACT, Role.IGNORE, Role.IGNORE])
    now = declared.truth(truth, where="gt.json")
    assert [category.artefact for category in now.categories] == [True, False]
    assert now.role.tolist() == [Role.ARTEFACT, Role.CELL, Role.IGNORE, Role.IGNORE]
    assert Declared().truth(truth, where="gt.json") is truth


@pytest.mark.parametrize(
    ("declared", "text"),
    [
        (Declared(artefacts=("wbc",)), "--artefact: no class 'wbc' (got WBC, artifact, dark)"),
        (Declared(cells=("x",)), "--cell: no class 'x'"),
        (Declared(artefacts=("WBC",), cells=("WBC",)), "given as cells and as artefacts"),
    ],
)
def test_a_name_that_is_none_or_means_both_is_refused(declared, text):
    with pytest.raises(BadInputError) as refused:
        declared.kinds(CLASSES, where="gt.json")
    assert text in str(refused.value)


def test_the_line_names_the_classes_and_how_to_say_otherwise():
    assert artefacts_line(CLASSES) == "class taken for artefacts: artifact, dark (--cell NAME says otherwise)"
    assert artefacts_line(CLASSES[:1]) == ""
