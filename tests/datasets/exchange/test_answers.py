"""`bmbench datasets answers`: another program's answers, with what they leave open declared."""

import json

import numpy as np
import pytest

from bmbench.core.errors import BadInputError
from bmbench.datasets.exchange.answers import declaration, write_answers


@pytest.fixture
def truth(tmp_path):
    """Two images that are not there, of two classes."""
    images = [
        {"id": n, "file_name": f"{name}.png", "width": 40, "height": 20} for n, name in enumerate("ab", 7)
    ]
    classes = [{"id": 5, "name": "RBC"}, {"id": 9, "name": "WBC"}]
    (tmp_path / "gt.json").write_text(
        json.dumps({"images": images, "annotations": [], "categories": classes})
    )
    return tmp_path / "gt.json"


def folder_of(tmp_path, text):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "found.csv").write_text(text)
    return tmp_path / "out" / "found.csv"


def test_classes_are_declared_left_out_and_taken_together(tmp_path, truth):
    rows = "image,x,y,radius,class,score\na.png,5,5,2,leuko,0.5\na.png,9,9,2,debris,0.75\nb.png,7,7,2,ery,1\n"
    source = folder_of(tmp_path, rows)
    declared = declaration(["leuko=WBC", "debris=-", "*=RBC"], None)
    written = write_answers(source, truth, tmp_path / "p.json", declared)
    value = json.loads((tmp_path / "p.json").read_text())
    assert value["images"] == [7, 8]
    got = [(d["image_id"], d["category_id"], d["bbox"], d["score"]) for d in value["detections"]]
    assert got == [(7, 9, [3, 3, 4, 4], 0.5), (8, 5, [5, 5, 4, 4], 1)]
    assert (written.detections, written.images) == (2, 2)
    assert "leuko is WBC, debris is -, * is RBC" in written.notes[-1]


def test_a_confidence_is_stated_or_declared(tmp_path, truth):
    source = folder_of(tmp_path, "image,x,y,class,score\na.png,5,5,WBC,\nb.png,5,5,WBC,0.25\n")
    with pytest.raises(BadInputError, match=r"1 detection without a confidence .*--confidence 1"):
        write_answers(source, truth, tmp_path / "p.json", declaration([], None))
    assert not (tmp_path / "p.json").exists()
    write_answers(source, truth, tmp_path / "p.json", declaration([], 0.9))
    scores = [d["score"] for d in json.loads((tmp_path / "p.json").read_text())["detections"]]
    assert scores == [0.9, 0.25]
    with pytest.raises(BadInputError, match="is there already"):
        write_answers(source, truth, tmp_path / "p.json", declaration([], 0.9))


def test_a_folder_of_label_images_of_any_name_is_read(tmp_path, truth):
    import tifffile

    (tmp_path / "seg").mkdir()
    labels = np.zeros((20, 40), np.uint32)
    labels[5:11, 10:18] = 4
    tifffile.imwrite(tmp_path / "seg" / "a.tif", labels)
    np.save(tmp_path / "seg" / "b.npy", labels)
    declared = declaration(["*=WBC"], 1)
    assert write_answers(tmp_path / "seg", truth, tmp_path / "p.json", declared).detections == 2


def test_the_command_says_what_was_declared_and_scores(tmp_path, truth, bmbench):
    source = folder_of(tmp_path, "Image;X µm;Y µm;Klasse\na.png;2,5;2,5;leuko\n")
    columns = ("x=X µm", "y=Y µm", "class=Klasse", "um_per_px=0.5")
    options = [word for column in columns for word in ("--option", column)]
    answer = bmbench(
        "datasets", "answers", source, tmp_path / "p.json", "--truth", truth,
        "--class", "leuko=WBC", "--confidence", "1", *options,
    )  # fmt: skip
    assert answer.code == 0
    assert "declared classes: leuko is WBC" in answer.err
    assert "declared confidence of detections without one: 1" in answer.err
    assert json.loads((tmp_path / "p.json").read_text())["detections"][0]["bbox"] == [5, 5, 0, 0]
    assert (
        bmbench("datasets", "answers", source, tmp_path / "q.json", "--truth", truth, "--class", "x").code
        == 2
    )
