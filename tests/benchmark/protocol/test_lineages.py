"""What names of classes are taken for."""

import pytest

from bmbench.benchmark.protocol.lineages import counted_classes
from bmbench.core.errors import BadInputError
from bmbench.core.types import Category
from bmbench.datasets.sets.bone_marrow_wsi import CATEGORIES
from bmbench.datasets.synthetic.kinds import CATEGORIES as SYNTHETIC


def lineages(*names, artefact=()):
    categories = [
        Category(id=number, name=name, artefact=name in artefact) for number, name in enumerate(names, 1)
    ]
    return [(one.lineage, one.sum) for one in counted_classes(categories)]


def test_names_as_laboratories_write_them():
    assert lineages("Plasma cell", "plasma_cells", "Plasmablast") == [("plasma cells", "plasma cells")] * 3
    assert lineages("basophilic erythroblast", "Proerythroblast", "NRBC") == [("erythroid", "")] * 3
    assert lineages("basophilic_band", "Segmented Neutrophil", "promonocyte") == [("myeloid", "")] * 3
    assert lineages("Myeloblast", "lymphoblast", "unknown_blast", "BLAST") == [
        ("myeloid", "blasts"), ("lymphoid", "blasts"), ("blasts", "blasts"), ("blasts", "blasts")
    ]  # fmt: skip
    assert lineages("RBC", "Platelets", "megakaryoblast", "erythrocyte") == [("not counted", "")] * 4
    assert lineages("smudge cell", "unknown", "no_consensus_found") == [
        ("smudge", ""), ("unidentified", ""), ("unidentified", "")
    ]  # fmt: skip
    assert lineages("WBC", "other nucleated cell", "leukocyte") == [("other cells", "")] * 3
    assert lineages("granules", "damaged", artefact=("granules", "damaged")) == [("artefact", "")] * 2


def test_every_class_of_a_published_set_has_its_place():
    found = {one.name: one for one in counted_classes(CATEGORIES)}
    assert {one.name for one in found.values() if one.sum == "blasts"} == {
        "lymphocytic_blast", "monocytic_blast", "myelocytic_blast", "unknown_blast"
    }  # fmt: skip
    assert {one.name for one in found.values() if one.lineage == "erythroid"} == {
        "basophilic_erythroblast", "orthochromatic_erythroblast", "polychromatic_erythroblast",
        "proerythroblast",
    }  # fmt: skip
    assert found["thrombocyte"].lineage == found["erythrocyte"].lineage == "not counted"
    assert found["smudge_cell"].lineage == "smudge"
    assert found["damaged_cell"].lineage == "artefact"
    assert {one.lineage for one in found.values() if "neutrophilic" in one.name} == {"myeloid"}


def test_every_class_of_the_synthetic_set_has_its_place():
    found = [one.lineage for one in counted_classes(SYNTHETIC)]
    assert found == [
        "blasts", "myeloid", "myeloid", "myeloid", "lymphoid", "erythroid", "myeloid", "plasma cells",
        "smudge", "artefact", "artefact",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("name,lineage\nWBC,x\n", "columns missing"),
        ("class,lineage\nWBC,\n", "without a class or a lineage"),
        ("class,lineage\nWBC,x\nWBC,y\n", "named twice"),
        ("class,lineage\nother,x\n", "none of the classes is in it"),
    ],
)
def test_a_table_that_says_nothing_is_refused(tmp_path, text, what):
    path = tmp_path / "own.csv"
    path.write_text(text)
    with pytest.raises(BadInputError, match=what):
        counted_classes([Category(id=1, name="WBC")], path)
