"""A small study that takes seconds; a finished run that needs no torch."""

from __future__ import annotations

from pathlib import Path

import pytest

from bmbench.benchmark.reproduce.options import ReproduceOptions
from tests.benchmark.whole_records import whole_config, whole_metrics


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


@pytest.fixture(scope="session")
def blob_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of the blob detector on synthetic smears, which needs no torch."""
    import json

    from bmbench.adapters import METHODS
    from bmbench.adapters.images.augment import augment
    from bmbench.adapters.learning.fit_request import FitRequest
    from bmbench.benchmark.protocol.image_scale import largest_cell, pixel_size
    from bmbench.datasets.synthetic.dataset import sample

    train = tuple(sample(number, seed=5, size_px=256) for number in range(2))
    method = METHODS.get("blob_log")
    fitted = method.fit(
        FitRequest(train=train, validation=(), settings=method.settings["quick"], seed=0, augment=augment)
    )
    run = tmp_path_factory.mktemp("run")
    (run / "checkpoint").mkdir()
    fitted.save(run / "checkpoint")
    config = whole_config(um_per_px=pixel_size(train), largest_cell_px=largest_cell(train))
    (run / "config.json").write_text(json.dumps(config))
    (run / "metrics.json").write_text(json.dumps(whole_metrics()))
    return run
