"""An empty folder, or one without what is wanted, where a command wants images, annotations or a run."""

import json

import pytest

CALLS = {
    "predict": ("predict", "FOLDER", "--model", "marrow-small", "--out", "OUT"),
    "count": ("count", "FOLDER", "--model", "marrow-small", "--out", "OUT"),
    "count of a file": ("count", "found.json", "FOLDER", "--out", "OUT"),
    "crops": ("crops", "found.json", "FOLDER", "--out", "OUT"),
    "crops of it": ("crops", "FOLDER", "--out", "OUT"),
    "view": ("view", "FOLDER", "--no-browser"),
    "table": ("table", "FOLDER"),
    "report": ("report", "FOLDER"),
    "artefacts": ("artefacts", "FOLDER"),
    "verify": ("verify", "FOLDER"),
    "test": ("test", "--on", "FOLDER", "--model", "marrow-small"),
    "run": ("run", "--dataset", "FOLDER", "--out", "OUT"),
    "tune": ("tune", "--dataset", "FOLDER", "--out", "OUT"),
    "budget": ("budget", "--dataset", "FOLDER", "--out", "OUT"),
    "reproduce": ("reproduce", "--dataset", "FOLDER", "--out", "OUT"),
    "score": ("score", "FOLDER", "--truth", "truth.json"),
    "score by it": ("score", "found.json", "--truth", "FOLDER"),
    "compare": ("compare", "FOLDER", "FOLDER", "--truth", "truth.json"),
    "info": ("datasets", "info", "FOLDER"),
    "info of a set": ("datasets", "info", "kainz", "--data", "FOLDER"),
    "convert": ("datasets", "convert", "FOLDER", "OUT", "--to", "coco"),
    "answers": ("datasets", "answers", "FOLDER", "OUT", "--truth", "truth.json"),
    "leaderboard": ("leaderboard", "build", "FOLDER"),
    "unpack": ("suite", "unpack", "marrow", "FOLDER", "--out", "OUT"),
    "models": ("models", "FOLDER"),
}
WANT_PICTURES = ("predict", "count", "count of a file", "crops")
TRUTH = {
    "images": [{"id": 1, "file_name": "a.png", "width": 9, "height": 9}],
    "categories": [{"id": 1, "name": "cell"}],
    "annotations": [],
}
FOUND = {"schema": "bmbench.predictions/1", "images": ["a.png"], "detections": []}


@pytest.mark.parametrize(
    ("name", "files"),
    [
        (name, files)
        for name in CALLS
        for files in ((), ("readme.md",), ("a.png", "b.png"))
        if "a.png" not in files or name not in WANT_PICTURES
    ],
)
def test_one_sentence_with_a_remedy_and_nothing_is_written(bmbench, tmp_path, monkeypatch, name, files):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "FOLDER").mkdir()
    for file in files:
        (tmp_path / "FOLDER" / file).write_text("no picture")
    (tmp_path / "truth.json").write_text(json.dumps(TRUTH))
    (tmp_path / "found.json").write_text(json.dumps(FOUND))
    before = sorted(tmp_path.rglob("*"))
    answer = bmbench(*CALLS[name])
    said = [line for line in answer.err.splitlines() if line.startswith("error: ")]
    assert answer.code == 2, answer.err
    assert len(said) == 1
    assert "FOLDER" in said[0]
    assert "; " in said[0]
    # No format makes annotations of nothing.
    assert files or "qupath:PATH" not in said[0]
    assert "Traceback" not in answer.err
    assert sorted(tmp_path.rglob("*")) == before
