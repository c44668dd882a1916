"""A small study that takes seconds."""

import pytest

from bmbench.benchmark.reproduce.options import ReproduceOptions


@pytest.fixture
def options(marrow, tmp_path) -> ReproduceOptions:
    """Three runs of a method that learns nothing."""
    return ReproduceOptions(
        out=tmp_path / "study",
        dataset=str(marrow),
        methods=("blob_log",),
        tracks=("weak",),
        seeds=(0, 1, 2),
        settings=("n_blobs=1", "n_scales=1"),
    )
