"""The peak of memory: that of the work since it was forgotten, kept over the processes of a run."""

from __future__ import annotations

import json

import numpy as np
import pytest

from bmbench.benchmark.records.memory import forget_peak, peak_mb
from bmbench.benchmark.records.run_folder import Clock


def test_a_peak_holds_what_was_held_and_is_forgotten():
    if not forget_peak():
        pytest.skip("this system tells no peak of memory that can be reset")
    before = peak_mb()
    assert before is not None
    held = np.ones(30_000_000)
    assert peak_mb() == pytest.approx(before + 240, abs=30)
    del held
    assert forget_peak()
    assert peak_mb() == pytest.approx(before, abs=30)


def test_a_run_keeps_the_highest_of_its_processes(tmp_path, monkeypatch):
    module = "bmbench.benchmark.records.run_folder"
    monkeypatch.setattr(f"{module}.forget_peak", lambda: True)
    for peak, kept in ((900.0, 900.0), (300.0, 900.0), (None, 900.0), (950.0, 950.0)):
        monkeypatch.setattr(f"{module}.peak_mb", lambda peak=peak: peak)
        Clock(tmp_path / "timing.json").save()
        assert json.loads((tmp_path / "timing.json").read_text())["memory_mb"] == kept
    monkeypatch.setattr(f"{module}.forget_peak", lambda: False)
    Clock(tmp_path / "other.json").save()
    assert "memory_mb" not in json.loads((tmp_path / "other.json").read_text())
