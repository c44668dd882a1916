"""The set of CD138-stained trephines, on a small copy of its layout and on the real files where they are."""

import numpy as np
import pytest
from PIL import Image

from bmbench.core.dataset import LoadRequest
from bmbench.core.errors import BadInputError
from bmbench.core.types import Role
from bmbench.datasets import open_dataset

NAMES = ("CD138-001_0", "CD138-003A_1", "CD138-003B_2", "CD138-004A_0", "CD138-005_0", "CD138-006_0")


@pytest.fixture
def folder(tmp_path):
    """Six tiles of 40 × 30 px: a dot of each kind, a border of 4 px that nobody annotated."""
    labels = np.full((30, 40), 255, np.uint8)
    labels[4:26, 4:36] = 0
    labels[10, 12], labels[20, 30] = 1, 2
    for name, value in (("training_tiles", np.full((30, 40, 3), 200, np.uint8)), ("training_labels", labels)):
        (tmp_path / name).mkdir()
        for stem in NAMES:
            Image.fromarray(value).save(tmp_path / name / f"{stem}.png")
    return tmp_path


def test_a_dot_is_a_nucleus_and_the_border_is_ignored(folder):
    """Pixel (column 12, row 10) has its centre at (12.5, 10.5). The border is 40·30 − 32·22 = 496 px²."""
    split = open_dataset("plasma_cd138").load(LoadRequest(data=folder))
    (sample,) = split.samples["test"]
    marked = sample.annotations
    cells = marked.role == Role.CELL
    assert marked.xy[cells].tolist() == [[12.5, 10.5], [30.5, 20.5]]
    assert [split.categories[label].name for label in marked.label[cells]] == ["other cell", "plasma cell"]
    assert marked.circle[cells, 2].tolist() == [9.0, 9.0]
    border = marked.box[marked.region]
    assert (border[:, 2:] - border[:, :2]).prod(axis=1).sum() == 496


def test_biopsies_of_one_patient_stay_together(folder):
    split = open_dataset("plasma_cd138").load(LoadRequest(data=folder))
    groups = {subset: {sample.group for sample in part} for subset, part in split.samples.items()}
    assert groups == {
        "train": {"001", "003"},
        "validation": {"005"},
        "optimisation": {"006"},
        "test": {"004"},
    }


def test_another_picture_than_labels_is_refused(folder):
    Image.fromarray(np.full((30, 40), 7, np.uint8)).save(folder / "training_labels/CD138-001_0.png")
    with pytest.raises(BadInputError, match="not a label image of this set"):
        open_dataset("plasma_cd138").load(LoadRequest(data=folder))


def test_the_published_counts(shared_data):
    """8,210 other cells and 1,190 plasma cells, as the folder's own description counts them."""
    split = open_dataset("plasma_cd138").load(LoadRequest(data=shared_data / "plasma_cd138"))
    marked = [sample.annotations for part in split.samples.values() for sample in part]
    labels = np.concatenate([one.label[one.role == Role.CELL] for one in marked])
    assert np.bincount(labels).tolist() == [8210, 1190]
