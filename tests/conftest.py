"""What all tests share: where the real data lies, and repeatable property tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# Examples are the same on every machine, and a busy machine is no failure.
settings.register_profile("bmbench", deadline=None, derandomize=True, database=None, print_blob=False)
settings.load_profile("bmbench")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data sets (kainz_bm, dsb_purple, bccd); the test is skipped where it is absent."""
    beside = Path(__file__).resolve().parents[2] / "shared"
    shared = Path(os.environ.get("BMBENCH_SHARED", beside))
    folder = shared / "data" if (shared / "data").is_dir() else shared
    if not (folder / "kainz_bm").is_dir():
        pytest.skip("the real data sets are not on this machine (BMBENCH_SHARED, or ../shared/data)")
    return folder
