"""What is written here is forced to the disk, as it is outside tests."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from bmbench.core import disk

_force_file_system = disk._force_file_system


@pytest.fixture(autouse=True)
def _forced(monkeypatch: pytest.MonkeyPatch, real_fsync: Callable[[int], None]) -> None:
    monkeypatch.setattr(os, "fsync", real_fsync)
    monkeypatch.setattr(disk, "_force_file_system", _force_file_system)
