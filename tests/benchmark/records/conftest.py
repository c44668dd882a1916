"""Runs and a study that take seconds and need no torch; each test gets a copy to damage."""

import shutil
from pathlib import Path

import pytest

from bmbench.benchmark.records.options import RunOptions
from bmbench.benchmark.run.begin_or_resume import run as run_benchmark
from bmbench.core.progress import Silent

QUICK = {"n_blobs": "1", "n_scales": "1"}


@pytest.fixture(scope="session")
def whole(marrow, tmp_path_factory) -> Path:
    """A finished run."""
    options = RunOptions(
        method="blob_log", dataset=str(marrow), settings=QUICK, out=tmp_path_factory.mktemp("runs")
    )
    return run_benchmark(options, Silent()).path


@pytest.fixture
def finished(whole, tmp_path) -> Path:
    """A finished run of one's own."""
    return shutil.copytree(whole, tmp_path / "run")


@pytest.fixture
def unfinished(finished) -> Path:
    """A run that was stopped before its scores."""
    (finished / "metrics.json").unlink()
    return finished
