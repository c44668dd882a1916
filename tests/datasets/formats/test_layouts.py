"""The finder: sets as their makers lay them out, with the subsets and class names that they state."""

import json
from collections import Counter

import numpy as np
import pytest

from bmbench.core.dataset import SUBSETS, LoadRequest
from bmbench.core.errors import BadInputError
from bmbench.datasets import open_dataset
from bmbench.datasets.formats.layout import find_layout
from bmbench.datasets.formats.recognise import read_any

from .folders import VOC, lay

YAML = "train: ../train/images\nval: ../valid/images\nnc: 2\nnames: ['RBC', 'WBC']\n"
LINE = "1 0.5 0.5 0.2 0.4\n"
"""On 40 × 20 px: (0.5 ± 0.1) · 40 and (0.5 ± 0.2) · 20."""
BOX = [16, 6, 24, 14]
COCO_BOX = [16, 6, 8, 8]


def coco(*names):
    return json.dumps(
        {
            "images": [
                {"id": n, "file_name": name, "width": 40, "height": 20} for n, name in enumerate(names)
            ],
            "annotations": [
                {"id": n, "image_id": n, "category_id": 7, "bbox": COCO_BOX} for n in range(len(names))
            ],
            "categories": [{"id": 7, "name": "WBC"}],
        }
    )


LAYOUTS = {
    "Roboflow, YOLO": {
        "data.yaml": YAML,
        "README.roboflow.txt": "1 2 3 4 5\n",
        **{f"{s}/images/{s}.jpg": None for s in ("train", "valid", "test")},
        **{f"{s}/labels/{s}.txt": LINE for s in ("train", "valid", "test")},
    },
    "data.yaml beside each part": {
        **{f"{s}/data.yaml": YAML for s in ("train", "valid", "test")},
        **{f"{s}/images/{s}.jpg": None for s in ("train", "valid", "test")},
        **{f"{s}/labels/{s}.txt": LINE for s in ("train", "valid", "test")},
    },
    "Ultralytics": {
        "cells.yaml": "path: /home/maker/cells\ntrain: images/train\nval: images/val\ntest: images/test\n"
        "names: {0: RBC, 1: WBC}\n",
        **{f"images/{s}/{s}.jpg": None for s in ("train", "val", "test")},
        **{f"labels/{s}/{s}.txt": LINE for s in ("train", "val", "test")},
    },
    "labelImg": {
        "labels/classes.txt": "RBC\nWBC\n",
        **{f"images/{s}/{s}.jpg": None for s in ("Train", "Val", "Test")},
        **{f"labels/{s}/{s}.txt": LINE for s in ("Train", "Val", "Test")},
    },
    "images and labels in one folder": {
        "classes.txt": "RBC\nWBC\n",
        **{f"{s}/{s}.jpg": None for s in ("training", "validation", "testing")},
        **{f"{s}/{s}.txt": LINE for s in ("training", "validation", "testing")},
    },
    "darknet": {
        "obj.data": "classes = 2\ntrain = data/train.txt\nvalid = data/valid.txt\ntest = data/test.txt\n"
        "names = data/obj.names\nbackup = backup/\n",
        "obj.names": "RBC\nWBC\n",
        **{f"{s}.txt": f"data/obj_train_data/{s}.jpg\n" for s in ("train", "valid", "test")},
        **{f"obj_train_data/{s}.jpg": None for s in ("train", "valid", "test")},
        **{f"obj_train_data/{s}.txt": LINE for s in ("train", "valid", "test")},
    },
    "lists of images": {
        "data.yaml": "train: train.txt\nval: val.txt\ntest: test.txt\nnames: [RBC, WBC]\n",
        **{f"{s}.txt": f"./images/{s}.jpg\n" for s in ("train", "val", "test")},
        **{f"images/{s}.jpg": None for s in ("train", "val", "test")},
        **{f"labels/{s}.txt": LINE for s in ("train", "val", "test")},
    },
    "Roboflow, COCO": {
        f"{s}/{name}": text
        for s in ("train", "valid", "test")
        for name, text in ((f"{s}.jpg", None), ("_annotations.coco.json", coco(f"{s}.jpg")))
    },
    "COCO's own": {
        "annotations/captions_train2017.json": "{}",
        **{f"annotations/instances_{s}2017.json": coco(f"{s}.jpg") for s in ("train", "val", "test")},
        **{f"{s}2017/{s}.jpg": None for s in ("train", "val", "test")},
    },
    "COCO files beside folders of images": {
        **{f"{s}.json": coco(f"{s}.jpg") for s in ("train", "val", "test")},
        **{f"images/{s}/{s}.jpg": None for s in ("train", "val", "test")},
    },
    "Roboflow, VOC": {
        f"{s}/{s}.{ending}": text
        for s in ("train", "valid", "test")
        for ending, text in (("jpg", None), ("xml", VOC))
    },
    "VOC": {
        **{f"ImageSets/Main/{s}.txt": f"{s}\n" for s in ("train", "val", "test")},
        "ImageSets/Main/trainval.txt": "train\nval\n",
        "ImageSets/Main/WBC_train.txt": "train  1\nval -1\n",
        **{f"JPEGImages/{s}.jpg": None for s in ("train", "val", "test")},
        **{f"Annotations/{s}.xml": VOC for s in ("train", "val", "test")},
    },
    "in the folder of its archive": {
        **{f"cells-v2/{s}/images/{s}.jpg": None for s in ("train", "valid", "test")},
        **{f"cells-v2/{s}/labels/{s}.txt": LINE for s in ("train", "valid", "test")},
        "cells-v2/data.yaml": YAML,
        "__MACOSX/._data.yaml": "\x00\x05",
    },
    "Supervisely": {
        "meta.json": json.dumps({"classes": [{"title": "WBC", "shape": "rectangle"}], "tags": []}),
        **{f"{s}/img/{s}.jpg": None for s in ("train", "val", "test")},
        **{
            f"{s}/ann/{s}.jpg.json": json.dumps(
                {
                    "size": {"width": 40, "height": 20},
                    "objects": [
                        {
                            "classTitle": "WBC",
                            "geometryType": "rectangle",
                            "points": {"exterior": [[16, 6], [23, 13]], "interior": []},
                        }
                    ],
                }
            )
            for s in ("train", "val", "test")
        },
    },
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_subsets_names_and_boxes_of_every_usual_layout(tmp_path, name):
    found = read_any(lay(tmp_path, LAYOUTS[name]))
    assert len(found.samples) == 3
    assert Counter(found.subsets.values()) == {"train": 1, "validation": 1, "test": 1}
    assert found.split_from
    for sample in found.samples:
        # Every image is named after its subset.
        assert sample.name.rsplit("/", 1)[-1][:3].lower() == found.subsets[sample.image_id][:3]
        np.testing.assert_allclose(sample.annotations.box, [BOX])
        assert found.categories[sample.annotations.label[0]].name == "WBC"
        assert sample.load().shape == (20, 40, 3)
    assert len({sample.image_id for sample in found.samples}) == 3


@pytest.mark.parametrize("file", ["data.yaml", "cells-v2/data.yaml", "obj.data", "cells.yaml"])
def test_the_file_that_describes_a_set_stands_for_it(tmp_path, file):
    name = next(name for name in LAYOUTS if file in LAYOUTS[name])
    lay(tmp_path, LAYOUTS[name])
    assert [len(s.annotations) for s in read_any(tmp_path / file).samples] == [1, 1, 1]
    assert find_layout(tmp_path / file).format == "yolo"


def test_equal_names_in_different_parts_are_different_images(tmp_path):
    lay(tmp_path, {"data.yaml": YAML})
    for part, lines in (("train", LINE), ("valid", LINE * 2)):
        lay(tmp_path, {f"{part}/images/img0.jpg": None, f"{part}/labels/img0.txt": lines})
    found = read_any(tmp_path)
    assert {s.name: len(s.annotations) for s in found.samples} == {"train/img0.jpg": 1, "valid/img0.jpg": 2}
    lay(tmp_path / "coco", {f"{s}/a.json": coco("img0.jpg") for s in ("train", "val")})
    lay(tmp_path / "coco", {f"{s}/img0.jpg": None for s in ("train", "val")})
    found = read_any(tmp_path / "coco")
    assert [s.image_id for s in found.samples] == ["train/img0", "val/img0"]


def test_the_parts_classes_are_joined_by_name(tmp_path):
    other = (
        coco("b.jpg")
        .replace('"category_id": 7', '"category_id": 1')
        .replace('[{"id": 7, "name": "WBC"}]', '[{"id": 7, "name": "RBC"}, {"id": 1, "name": "WBC"}]')
    )
    lay(
        tmp_path, {"train/x.json": coco("a.jpg"), "val/x.json": other, "train/a.jpg": None, "val/b.jpg": None}
    )
    found = read_any(tmp_path)
    assert [(c.id, c.name) for c in found.categories] == [(7, "WBC"), (8, "RBC")]
    assert [found.categories[s.annotations.label[0]].name for s in found.samples] == ["WBC", "WBC"]


def test_a_folder_for_each_patient_is_one_set_without_subsets(tmp_path):
    lay(tmp_path, {f"Patient {n}/field.{e}": t for n in "AB" for e, t in (("jpg", None), ("xml", VOC))})
    found = read_any(tmp_path)
    assert [s.name for s in found.samples] == ["Patient A/field.jpg", "Patient B/field.jpg"]
    assert not found.subsets


def test_one_folder_of_images_named_for_training_and_validation_is_no_split(tmp_path):
    lay(tmp_path, {"data.yaml": "train: images\nval: images\nnames: [RBC, WBC]\n"})
    lay(tmp_path, {"images/a.jpg": None, "images/b.jpg": None, "labels/a.txt": LINE, "labels/b.txt": LINE})
    assert not read_any(tmp_path).subsets


def test_images_in_two_lists_are_kept_out_of_the_training_images_and_named(tmp_path):
    lay(tmp_path, LAYOUTS["lists of images"])
    (tmp_path / "train.txt").write_text("./images/train.jpg\n./images/test.jpg\n")
    found = read_any(tmp_path)
    assert found.subsets == {"train": "train", "val": "validation", "test": "test"}
    assert found.notes == ("1 images stand in two lists of data.yaml: kept out of the training images",)


def many(place, **counts):
    for part, number in counts.items():
        names = [f"{part}{n}" for n in range(number)]
        lay(place, {f"{part}/images/{name}.jpg": None for name in names})
        lay(place, {f"{part}/labels/{name}.txt": LINE for name in names})
    lay(place, {"data.yaml": YAML})
    return open_dataset(str(place)).load(LoadRequest())


def names_of(split):
    return {subset: {s.name.split("/")[0] for s in split.samples[subset]} for subset in SUBSETS}


def test_validation_images_are_dealt_to_validation_and_optimisation(tmp_path):
    split = many(tmp_path, train=5, valid=4, test=3)
    assert [len(split.samples[subset]) for subset in SUBSETS] == [5, 2, 2, 3]
    valid = {"valid"}
    assert names_of(split) == {
        "train": {"train"},
        "validation": valid,
        "optimisation": valid,
        "test": {"test"},
    }
    assert split.split_from.startswith(
        "the maker's, from train, valid, test; its validation images are dealt"
    )


def test_without_test_images_the_validation_images_are_tested_on(tmp_path):
    split = many(tmp_path, train=9, valid=4)
    assert len(split.samples["test"]) == 4
    train = {"train"}
    assert names_of(split) == {"train": train, "validation": train, "optimisation": train, "test": {"valid"}}
    assert "the test images" in split.split_from


def test_without_validation_images_both_come_out_of_the_training_images(tmp_path):
    split = many(tmp_path, train=12, test=4)
    assert len(split.samples["test"]) == 4
    assert all(split.samples.values())
    assert names_of(split)["optimisation"] == {"train"}


def test_training_images_alone_are_split_anew_and_test_images_alone_are_not(tmp_path):
    split = many(tmp_path / "train", train=12)
    assert all(split.samples.values())
    assert split.split_from.startswith("computed, seed 0")
    split = many(tmp_path / "test", test=5)
    assert [len(split.samples[subset]) for subset in SUBSETS] == [0, 0, 0, 5]


def test_where_nothing_fits_it_says_where_it_looked_and_what_it_found(tmp_path):
    lay(tmp_path, {"pictures/a.jpg": None, "pictures/b.jpg": None, "notes.md": "x"})
    with pytest.raises(BadInputError, match=r"got 2 × \.jpg, 1 × \.md in it and in pictures"):
        read_any(tmp_path)


@pytest.mark.parametrize(
    ("file", "text", "what", "way"),
    [
        (
            "a.json",
            '[{"image": "a.jpg", "annotations": [{"label": "x", "coordinates": {"x": 1}}]}]',
            "CreateML",
            "datum",
        ),
        ("a.json", '{"project": {"pid": "x"}, "config": {}, "metadata": {}}', "VIA 3", "with VIA 2"),
        ("a.json", '{"name": "t", "videoSettings": {}, "assets": {}}', "VoTT", "Pascal VOC or as CSV"),
        ("a.json", '{"version": "2.0", "item": {"slots": []}, "annotations": []}', "Darwin V7", "as COCO"),
        ("a.xml", "<annotations><meta><task><mode>interpolation</mode>", "CVAT XML of a video", "for images"),
        ("a.mat", "MATLAB 5.0", "MATLAB", "16-bit"),
        ("a.csv", "ImageID,Source,LabelName,XMin\n", "Open Images", "datum"),
        ("a.pkl", "x", "pickle", "formats"),
        ("a.xlsx", "PK", "spreadsheet", "CSV"),
    ],
)
def test_other_programs_files_are_called_what_they_are(tmp_path, file, text, what, way):
    (tmp_path / file).write_text(text)
    for place in (tmp_path, tmp_path / file):
        with pytest.raises(BadInputError, match=rf"{what}.*{way}"):
            read_any(place)


def test_names_in_lists_that_are_of_no_image_are_counted(tmp_path):
    files = {f"Annotations/{name}.xml": VOC for name in "aäb"} | {f"JPEGImages/{n}.jpg": None for n in "aäb"}
    lists = {"train": "a\na\u0308.jpg\nlost 1\n", "test": "b\ngone\nworn\nold\n"}
    lay(tmp_path, files | {f"ImageSets/Main/{name}.txt": text for name, text in lists.items()})
    content = read_any(tmp_path)
    assert content.subsets == {"a": "train", "ä": "train", "b": "test"}
    words = "4 names in the maker's lists are of no image here, or of several (gone, worn, old, …)"
    assert words in content.notes
