"""A class means the same in every format, reading says which classes are artefacts, and a user may differ."""

import dataclasses
import json

import numpy as np
import pytest
from PIL import Image

from bmbench.core.errors import BadInputError, UnknownNameError
from bmbench.core.progress import Silent
from bmbench.core.types import Annotations, Category, Role, Sample
from bmbench.datasets.exchange.convert import convert
from bmbench.datasets.formats import FORMATS
from bmbench.datasets.formats.coco.columns import read_ground_truth
from bmbench.datasets.formats.codec import Content, Fact
from bmbench.datasets.formats.recognise import read_any

WITH_CLASSES = [name for name in FORMATS.names() if Fact.CLASS in FORMATS.get(name).carries]


def plain_set(folder):
    """One image with a cell and an object of another program's class of artefacts."""
    Image.new("RGB", (60, 60), (220, 210, 220)).save(folder / "a.png")
    categories = [
        {"id": 0, "name": "WBC", "supercategory": "blood"},
        {"id": 9, "name": "artifact_bitmap", "supercategory": "blood"},
    ]
    marks = [
        {"id": row, "image_id": 1, "category_id": label, "bbox": [5 + 20 * row, 5, 12, 12], "iscrowd": 0}
        for row, label in enumerate((0, 9))
    ]
    images = [{"id": 1, "file_name": "a.png", "width": 60, "height": 60}]
    value = {"images": images, "categories": categories, "annotations": marks}
    (folder / "annotations.json").write_text(json.dumps(value))
    return folder / "annotations.json"


def roles(content):
    names = [category.name for category in content.categories]
    (sample,) = content.samples
    pairs = zip(sample.annotations.label, sample.annotations.role, strict=True)
    return {names[label]: Role(role).name for label, role in pairs}


@pytest.mark.parametrize("name", WITH_CLASSES)
@pytest.mark.parametrize("declared", [False, True])
def test_a_class_means_the_same_in_every_format(tmp_path, name, declared):
    choices = {"cell": "artifact_bitmap"} if declared else {}
    content = read_any(plain_set(tmp_path), choices=choices)
    assert roles(content) == {"WBC": "CELL", "artifact_bitmap": "CELL" if declared else "ARTEFACT"}
    done = convert(content, tmp_path / "out", to=name, progress=Silent())
    assert not [line for line in done.warnings if "class" in line]
    again = read_any(f"{name}:{tmp_path / 'out'}")
    assert roles(again) == roles(content)
    told = [note for note in again.notes if "taken for artefacts: artifact_bitmap" in note]
    assert len(told) == (0 if declared else 1)


@pytest.mark.parametrize("name", WITH_CLASSES)
def test_bare_files_of_other_programs_go_by_the_name_alone(tmp_path, name):
    """Without bmbench's own file beside them, which knows the kinds of classes."""
    Image.new("RGB", (60, 60), (220, 210, 220)).save(tmp_path / "a.png")
    kinds = (Category(id=1, name="WBC"), Category(id=2, name="Artefakte", artefact=True))
    box = np.array([[5, 5, 17, 17], [25, 5, 37, 17.0]])
    annotations = Annotations.of(
        xy=(box[:, :2] + box[:, 2:]) / 2, box=box, label=np.array([0, 1]), role=np.array([0, 1])
    )
    sample = Sample(
        image_id="a", name="a.png", width=60, height=60, group="a.png", annotations=annotations,
        load=lambda: None, file=tmp_path / "a.png",
    )  # fmt: skip
    convert(Content(samples=(sample,), categories=kinds), tmp_path / "out", to=name, progress=Silent())
    (tmp_path / "out" / "bmbench-images.json").unlink(missing_ok=True)
    assert roles(read_any(f"{name}:{tmp_path / 'out'}")) == {"WBC": "CELL", "Artefakte": "ARTEFACT"}


def test_scoring_reads_classes_as_training_does(tmp_path):
    path = plain_set(tmp_path)
    assert read_ground_truth(path).categories == read_any(path).categories
    declared = read_any(path, choices={"cell": "artifact_bitmap"})
    convert(declared, tmp_path / "again.json", to="coco", progress=Silent())
    assert not any(category.artefact for category in read_ground_truth(tmp_path / "again.json").categories)


def test_names_are_checked_and_may_hold_commas(tmp_path):
    path = plain_set(tmp_path)
    value = json.loads(path.read_text())
    value["categories"][0]["name"] = "smudge, old"
    path.write_text(json.dumps(value))
    both = read_any(path, choices={"artefact": "smudge, old\nartifact_bitmap"})
    assert [category.artefact for category in both.categories] == [True, True]
    with pytest.raises(BadInputError, match="--artefact: no class 'smudge'"):
        read_any(path, choices={"artefact": "smudge"})
    with pytest.raises(UnknownNameError, match="did you mean 'artefact'"):
        read_any(path, choices={"artefacts": "smudge"})


def test_the_class_of_an_ignored_object_does_not_count_it(tmp_path):
    path = plain_set(tmp_path)
    value = json.loads(path.read_text())
    value["annotations"][0]["ignore"] = 1
    path.write_text(json.dumps(value))
    content = read_any(path, choices={"artefact": "WBC"})
    assert roles(content)["WBC"] == "IGNORE"
    assert dataclasses.replace(content.categories[0], artefact=False) in read_any(path).categories
