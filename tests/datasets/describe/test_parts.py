"""Objects in parts that lie apart, and masks in which all cells have one number."""

import numpy as np
import pytest
from PIL import Image

from bmbench.core.progress import Silent
from bmbench.datasets.describe.faults import in_parts
from bmbench.datasets.exchange.convert import convert
from bmbench.datasets.formats.recognise import read_any


def masks(folder, labels):
    for name, part in (
        ("images", np.full((80, 100, 3), 200, np.uint8)),
        ("labels", labels.astype(np.uint16)),
    ):
        (folder / name).mkdir()
        Image.fromarray(part).save(folder / name / "a.png")
    return read_any(folder)


def cells(*numbers):
    labels = np.zeros((80, 100))
    for place, number in enumerate(numbers):
        labels[10:20, 25 * place : 25 * place + 10] = number
    return labels


def test_a_stray_pixel_is_kept_and_named(tmp_path):
    labels = cells(1, 2, 3)
    labels[70, 50] = 1
    content = masks(tmp_path, labels)
    assert len(content.samples[0].annotations.contour[0]) == 2
    (fault,) = in_parts(content.samples, content.categories)
    assert (fault.kind, fault.count) == ("parts further apart than they are large", 1)
    assert fault.text.startswith("a.png: cell at ")
    done = convert(content, tmp_path / "out", to="coco", progress=Silent())
    assert any(note.startswith("parts further apart than they are large (1)") for note in done.notes)


@pytest.mark.parametrize("numbers", [(1, 1, 1), (1, 2, 1, 2)])
def test_a_mask_that_nobody_labelled_is_named(tmp_path, numbers):
    content = masks(tmp_path, cells(*numbers))
    (fault,) = in_parts(content.samples, content.categories)
    assert fault.kind.startswith("masks that nobody labelled")
    assert fault.text == f"a.png: {len(set(numbers))} for {len(numbers)} parts that lie apart"


def test_a_cell_cut_in_two_by_another_one_is_no_fault(tmp_path):
    labels = cells(1, 2)
    labels[10:20, 3:6] = 3
    content = masks(tmp_path, labels)
    assert in_parts(content.samples, content.categories) == []
