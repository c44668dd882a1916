"""A suite of two tiny sets and a method that learns nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from bmbench.benchmark.suite.suite_file import Suite, read_suite

TEXT = """
schema = "bmbench.suite/1"
name = "tiny"
title = "Two tiny sets"
methods = ["blob_log"]

[lite]
sets = ["drawn"]

[[sets]]
name = "drawn"
dataset = "synthetic"
drawn = true
options = {{ images = "8", size = "256" }}
settings = ["n_blobs=1", "n_scales=1"]
seeds = [0, 1]

[[sets]]
name = "real"
folder = "{folder}"
settings = ["n_blobs=1", "n_scales=1"]
human = {{ f1 = 0.84, what = "two raters" }}
"""


@pytest.fixture
def suite_path(marrow: Path, tmp_path: Path) -> Path:
    """The file of that suite; its second set lies in the folder beside `marrow`'s parent."""
    path = tmp_path / "tiny.toml"
    path.write_text(TEXT.format(folder=marrow.name))
    return path


@pytest.fixture
def suite(suite_path: Path) -> Suite:
    """That suite, read."""
    return read_suite(suite_path)
