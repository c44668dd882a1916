"""A study of two runs that learn nothing, made once; each test gets a copy to change."""

import shutil
from pathlib import Path

import pytest

from bmbench.benchmark.reproduce.options import ReproduceOptions
from bmbench.benchmark.reproduce.study import reproduce
from bmbench.core.progress import Silent


@pytest.fixture(scope="session")
def whole(marrow, tmp_path_factory) -> ReproduceOptions:
    """The options of a finished study."""
    options = ReproduceOptions(
        out=tmp_path_factory.mktemp("sealed") / "study",
        dataset=str(marrow),
        methods=("blob_log",),
        tracks=("weak",),
        seeds=(0, 1),
        settings=("n_blobs=1", "n_scales=1"),
    )
    summary = reproduce(options, Silent(), lambda _: None)
    assert summary.failures == summary.changed == ()
    return options


@pytest.fixture
def study(whole, tmp_path) -> Path:
    """A finished study of one's own."""
    return shutil.copytree(whole.out, tmp_path / "study")


@pytest.fixture
def run(study) -> Path:
    """One of its two runs."""
    return study / "runs" / "weak-background-blob_log-s0"
