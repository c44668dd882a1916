"""Scores as a run's files hold them: typed, or one sentence."""

import json

import pytest

from bmbench.benchmark.records.run_records import read_record
from bmbench.benchmark.scoring.recorded import RecordedRun, recorded
from bmbench.benchmark.scoring.score_files import evaluate_files
from bmbench.core.errors import BadInputError
from bmbench.metrics import PROTOCOLS

TRUTH = {
    "images": [{"id": 1, "width": 90, "height": 90, "file_name": "1.png"}],
    "categories": [{"id": 1, "name": "cell"}],
    "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [0, 0, 20, 20]}],
}


@pytest.fixture
def evaluation(tmp_path):
    for name, value in (("t", TRUTH), ("p", [TRUTH["annotations"][0] | {"score": 0.5}])):
        (tmp_path / f"{name}.json").write_text(json.dumps(value))
    return evaluate_files(tmp_path / "p.json", tmp_path / "t.json", PROTOCOLS["kainz"])


def test_a_record_says_what_was_evaluated(evaluation):
    record = recorded(evaluation)
    assert (record.images, record.cells, record.groups, record.predictions) == (1, 1, 1, 1)
    assert record.bb is None
    assert list(record.rules) == ["cd"]
    for name in ("limit", "ap", "f1", "threshold", "tp", "fp", "fn", "ap_ci"):
        assert getattr(record.cd, name) == getattr(evaluation.cd, name)


def test_the_record_of_a_run_is_read_back_and_damage_is_named(evaluation, tmp_path):
    path, value = tmp_path / "metrics.json", evaluation.to_json() | {"variants": {}}
    path.write_text(json.dumps(value))
    assert read_record(path, RecordedRun).cd == recorded(evaluation).cd
    path.write_text(json.dumps(value | {"cells": "many"}))
    with pytest.raises(BadInputError, match=r"metrics\.json.*cells"):
        read_record(path, RecordedRun)
