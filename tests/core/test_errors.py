"""Errors on their way to another process."""

import pickle

import msgspec
import pytest

from bmbench.benchmark.run.begin_or_resume import OutdatedError
from bmbench.core.errors import (
    BadInputError,
    MissingExtraError,
    RunFailedError,
    TrainingFailedError,
    UnknownNameError,
    misfit,
)


@pytest.mark.parametrize(
    "error",
    [
        BadInputError("is no image", where="a.png", expected="a PNG", got="a PDF", remedy="convert it"),
        OutdatedError("begun with another version of numpy", where="environment.json"),
        UnknownNameError("method", "unet_shrunk", ["unet_shrink", "blob_log"]),
        MissingExtraError("optuna, which searches need,", extra="tune"),
        MissingExtraError("detectron2", command="pip install there"),
        RunFailedError("the disk is full"),
        TrainingFailedError("diverged"),
    ],
)
def test_an_error_says_the_same_in_another_process(error):
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert vars(again) == vars(error)


@pytest.mark.parametrize(
    ("value", "place"),
    [(3, ""), ({"rows": [{"box": [1, "2"]}]}, ".rows[0].box[1]"), ({"facts": {"a": "b"}}, ".facts[...]")],
)
def test_the_installed_msgspec_says_where_a_value_does_not_fit(value, place):
    class Row(msgspec.Struct):
        box: list[float]

    class File(msgspec.Struct):
        rows: list[Row] = []
        facts: dict[str, int] = {}

    with pytest.raises(msgspec.ValidationError) as refused:
        msgspec.convert(value, File)
    said, found = misfit(refused.value)
    assert found == place
    assert said
    assert "$" not in said


def test_a_sentence_can_be_written_whatever_a_file_holds():
    error = BadInputError("not valid JSON", where="gt.json, \ud800tions[0]")
    assert str(error) == "gt.json, \\ud800tions[0]: not valid JSON"
