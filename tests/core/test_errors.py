"""Errors on their way to another process."""

import pickle

import pytest

from bmbench.benchmark.run.begin_or_resume import OutdatedError
from bmbench.core.errors import (
    BadInputError,
    MissingExtraError,
    RunFailedError,
    TrainingFailedError,
    UnknownNameError,
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


def test_a_sentence_can_be_written_whatever_a_file_holds():
    error = BadInputError("not valid JSON", where="gt.json, \ud800tions[0]")
    assert str(error) == "gt.json, \\ud800tions[0]: not valid JSON"
