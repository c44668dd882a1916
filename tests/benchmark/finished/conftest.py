"""A finished run of the blob detector, whole, on marrow with artefacts."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from bmbench.benchmark.records.options import RunOptions
from bmbench.benchmark.run.begin_or_resume import run_in
from bmbench.core.progress import Silent


@pytest.fixture(scope="session")
def whole_run(marrow, tmp_path_factory) -> Path:
    options = RunOptions(method="blob_log", dataset=str(marrow), settings={"n_blobs": "1"})
    return run_in(tmp_path_factory.mktemp("finished") / "one", options, Silent()).path


@pytest.fixture
def own_run(whole_run, tmp_path) -> Path:
    """The run in a folder of one's own, to be damaged."""
    return shutil.copytree(whole_run, tmp_path / "one")
