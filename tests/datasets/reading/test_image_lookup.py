"""Which image an answer means: one look-up by id, file name and stem; what contradicts itself is refused."""

import json
from itertools import product
from pathlib import PurePosixPath

import numpy as np
import pytest

from bmbench.core.errors import BadInputError
from bmbench.datasets.formats.coco.columns import read_ground_truth
from bmbench.datasets.formats.predictions import read_predictions
from bmbench.datasets.reading.image_lookup import ImageLookup
from bmbench.datasets.reading.record_checks import RowNumbers, id_column


def rows(lookup, values, files=None, **more):
    column = None if files is None else np.array(files, object)
    return lookup.find(id_column(values), column, where="p.json", **more).tolist()


NAMES = ("a/img1.jpg", "img2.png", "b/0012.tif")


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([7, 3, 9], [0, 1, 2]),
        (["img1.jpg", "img2.png"], [0, 1]),
        (["a/img1.jpg", "b\\0012.tif", "/data/set/img2.png"], [0, 2, 1]),
        (["img1", "img2", "0012"], [0, 1, 2]),
        ([12, 12], [2, 2]),
        (["img1", 12], [0, 2]),
        ([7, "img2"], [0, 1]),
    ],
)
def test_images_are_known_by_id_file_name_and_stem(values, expected):
    assert rows(ImageLookup((7, 3, 9), names=NAMES), values) == expected


def test_all_of_a_file_is_read_one_way():
    """Stems 0, 1, 2 of images with the ids 1, 2, 3: two of them are ids too, of other images."""
    lookup = ImageLookup((1, 2, 3), names=("0.png", "1.png", "2.png"))
    assert rows(lookup, [0, 1, 2]) == [0, 1, 2]
    assert rows(lookup, [1, 2, 3]) == [0, 1, 2]
    for values in ([1, 2], [2, 2, 1]):
        with pytest.raises(
            BadInputError, match=r"image_id that is the id of '.\.png' and the name of '.\.png'"
        ):
            rows(lookup, values)
        # The wrapped form says that ids are ids.
        assert rows(lookup, values, certain=True) == [value - 1 for value in values]


def test_numbers_that_are_id_and_name_of_one_image_need_no_word():
    lookup = ImageLookup((139, 285), names=("000000000139.jpg", "000000000285.jpg"))
    assert rows(lookup, [285, 139]) == [1, 0]


def test_a_file_name_beside_decides_or_contradicts():
    lookup = ImageLookup((1, 2, 3), names=("0.png", "1.png", "2.png"))
    assert rows(lookup, [2, 1], ["1.png", "0.png"]) == [1, 0]
    with pytest.raises(
        BadInputError, match=r"contradict each other .*2, which is '1.png' there, and '2.png'"
    ):
        rows(lookup, [1, 2], ["0.png", "2.png"])
    assert rows(ImageLookup(("x", "y"), names=("0.png", "1.png")), [0, 1], ["0.png", None]) == [0, 1]


@pytest.mark.parametrize("value", ["img3", 99, "img1.png.bak", True])
def test_what_is_none_is_refused(value):
    with pytest.raises(BadInputError, match="unknown image_id"):
        rows(ImageLookup((7, 3, 9), names=NAMES), [value])


def test_a_name_that_several_have_needs_its_folder():
    lookup = ImageLookup(("x", "y"), names=("a/1.png", "b/1.png"))
    assert rows(lookup, ["b/1.png", "a/1"]) == [1, 0]
    with pytest.raises(BadInputError, match="image_id that several images may be"):
        rows(lookup, ["1.png"])


def test_an_ultralytics_file_is_scored_as_the_same_one_with_ids(tmp_path):
    """It names images by their stem, numbers as such; a perfect one finds every cell."""
    names = ["img1.jpg", "7.jpg", "0012.jpg"]
    images = [
        {"id": n, "file_name": name, "width": 90, "height": 90} for n, name in enumerate(names, start=5)
    ]
    marks = [{"id": n, "image_id": n, "category_id": 1, "bbox": [n, n, 20, 20]} for n in (5, 6, 7)]
    truth = {"images": images, "categories": [{"id": 1, "name": "x"}], "annotations": marks}
    (tmp_path / "gt.json").write_text(json.dumps(truth))
    stems = {5: "img1", 6: 7, 7: 12}
    answers = [mark | {"image_id": stems[mark["image_id"]], "score": 0.9} for mark in marks]
    (tmp_path / "p.json").write_text(json.dumps(answers))
    annotations = read_ground_truth(tmp_path / "gt.json")
    found = read_predictions(tmp_path / "p.json", annotations)
    assert found.image.tolist() == annotations.image.tolist() == [0, 1, 2]
    np.testing.assert_array_equal(found.box, annotations.box)
    # Without the image that is no number, 7 is an id as well, and of another image.
    (tmp_path / "p.json").write_text(json.dumps(answers[1:2]))
    with pytest.raises(BadInputError, match=r"the id of '0012.jpg' and the name of '7.jpg'"):
        read_predictions(tmp_path / "p.json", annotations)
    (tmp_path / "p.json").write_text(json.dumps([answers[1] | {"file_name": "7.jpg"}]))
    with pytest.raises(BadInputError, match="contradict each other"):
        read_predictions(tmp_path / "p.json", annotations)


def test_texts_become_numbers_in_coco_and_are_kept_beside(tmp_path):
    from bmbench.core.types import CELL, Annotations, Sample
    from bmbench.datasets.formats.coco.samples import read_coco, write_coco

    def sample(image_id):
        box = np.array([[1, 1, 9, 9.0]])
        return Sample(
            image_id=image_id, name=f"{image_id}.png", width=20, height=20, group=f"{image_id}.png",
            annotations=Annotations.of(xy=np.array([[5, 5.0]]), box=box), load=lambda: None,
        )  # fmt: skip

    path = tmp_path / "gt.json"
    write_coco(path, [sample("train/b"), sample(4), sample("a")], (CELL,), subsets={"a": "test"})
    value = json.loads(path.read_text())
    assert [(image["id"], image["source_id"]) for image in value["images"]] == [
        (1, "train/b"),
        (2, 4),
        (3, "a"),
    ]
    assert [mark["image_id"] for mark in value["annotations"]] == [1, 2, 3]
    again = read_coco(path)
    assert [one.image_id for one in again.samples] == ["train/b", 4, "a"]
    assert again.subsets == {"a": "test"}
    truth = read_ground_truth(path)
    assert truth.image_ids == ("train/b", 4, "a")
    for ids in (("train/b", 4, "a"), (1, 2, 3), ("b", "4", "a.png")):
        answers = [{"image_id": one, "category_id": 1, "bbox": [1, 1, 8, 8], "score": 1.0} for one in ids]
        (tmp_path / "p.json").write_text(json.dumps(answers))
        assert read_predictions(tmp_path / "p.json", truth).image.tolist() == [0, 1, 2]
    write_coco(path, [sample(9), sample(4)], (CELL,))
    assert "source_id" not in path.read_text()


def test_own_ids_that_stand_twice_are_refused(tmp_path):
    images = [{"id": n, "source_id": "a", "file_name": f"{n}.png", "width": 9, "height": 9} for n in (1, 2)]
    value = {"images": images, "categories": [{"id": 1, "name": "x"}], "annotations": []}
    (tmp_path / "gt.json").write_text(json.dumps(value))
    with pytest.raises(BadInputError, match="duplicate id"):
        read_ground_truth(tmp_path / "gt.json")


def test_names_without_folders_are_split_as_paths_are():
    signs = ("a", ".", "1", "/", "\\", "ä")
    for name in map("".join, product(signs, repeat=3)):
        path = PurePosixPath(name.replace("\\", "/"))
        if not path.name:
            continue
        numbers = [int(path.stem)] if path.stem.isdecimal() else []
        for key in (name, str(path), path.name, path.stem, str(path.with_suffix("")), *numbers):
            assert rows(ImageLookup((7,), names=(name,)), [key]) == [0]


@pytest.mark.parametrize("ids", [(5, 3, 4), (-2, 10**18, 7), (3,), (2**62, -(2**62))])
def test_ids_far_apart_and_close_together_are_found(ids):
    known = RowNumbers(ids)
    asked = [*ids, ids[0] + 100, min(ids) - 1, -(2**63), 2**63 - 1]
    expected = [ids.index(value) if value in ids else -1 for value in asked]
    for repeats in (1, 1000):
        assert known.rows(np.array(asked * repeats)).tolist() == expected * repeats


FIELDS = [f"img_{n:03d}.png" for n in range(1, 8)]
MISTAKES = {
    "counted from 1, not from 0": (range(8), lambda n: n + 1, "all fit if 1 is subtracted"),
    "counted from 0, not from 1": (range(1, 8), lambda n: n - 1, "all fit if 1 is added"),
    "counted from 1000": (range(1, 8), lambda n: n + 1000, "all fit if 1000 is subtracted"),
    "text": (range(1, 8), str, "they are texts, and the truth's ids whole numbers: write 1 for '1'"),
    "text, counted from 2": (range(1, 8), lambda n: str(n + 1), "all fit if 1 is subtracted"),
    "whole numbers": (map(str, range(1, 8)), int, "write '1' for 1"),
    "another ending": (FIELDS, lambda one: one[:-3] + "jpg", "only the ending differs .'img_001.jpg'"),
    "a word behind": (FIELDS, lambda one: one[:-4] + "_out.png", "all have '_out' behind the name"),
    "a word before": (FIELDS, "x-{}".format, "all have 'x-' before the name"),
    "less before": (FIELDS, lambda one: one[4:-4], "the truth's names have 'img_' before each of them"),
    "capital letters": (FIELDS, str.upper, "only capital letters differ"),
    "positions": (FIELDS, lambda one: int(one[4:-4]) * 7, "they are whole numbers, .* or the file names"),
    "none of these": (range(1, 8), lambda n: n * n, "check that the two files belong together"),
    "other names": (FIELDS, lambda one: one[::-1], "check that the two files belong together"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_what_all_images_have_in_common_is_said_and_not_taken(mistake):
    """Expected, got, and a remedy that fits every one; ids that are known by accident change nothing."""
    ids, change, said = MISTAKES[mistake]
    ids = list(ids)
    names = FIELDS if ids == FIELDS else ["a", "b", "c", "d", "e", "f", "g", "h"][: len(ids)]
    answered = [change(one) for one in ids]
    with pytest.raises(BadInputError, match=said) as caught:
        rows(ImageLookup(ids, names=names), answered)
    shown = ", ".join(map(repr, ids[:3]))
    assert f"an id, as {shown} …" in str(caught.value)
    assert " …); " in str(caught.value)
    assert f"among {', '.join(map(repr, answered[:3]))} …" in str(caught.value)


def test_a_shift_is_only_named_where_all_fit():
    lookup = ImageLookup((1, 2, 3, 4), names=("a", "b", "c", "d"))
    for values in ([2, 3, 9], [2, 3, "x"], [10, 11], [10]):
        with pytest.raises(BadInputError, match="check that the two files belong together"):
            rows(lookup, values)
    # Of images that some answers are missing for, only counting from 0 or 1 can be told.
    with pytest.raises(BadInputError, match="all fit if 1 is subtracted"):
        rows(lookup, [3, 5])
