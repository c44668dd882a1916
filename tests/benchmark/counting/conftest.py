"""Twelve fields of three patients, whose cells are known, and a run that finds them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.benchmark.counting.coloured import picture, trained

COUNTS = {
    "A 1": (20, 10, 2, 1, 1), "A 2": (18, 9, 4, 0, 0), "A 3": (25, 12, 1, 2, 3), "A 4": (16, 8, 3, 1, 0),
    "B 1": (30, 5, 0, 6, 0), "B 2": (28, 6, 1, 9, 2), "B 3": (22, 4, 0, 7, 0), "B 4": (35, 6, 0, 8, 1),
    "C 1": (10, 20, 5, 0, 0), "C 2": (12, 25, 9, 0, 0), "C 3": (9, 18, 4, 1, 0), "C 4": (11, 24, 7, 0, 4),
}  # fmt: skip
"""Neutrophils, erythroblasts, plasma cells, blasts and smudge cells of each field."""


@pytest.fixture(scope="session")
def fields(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fields")
    for name, counts in COUNTS.items():
        picture(folder / f"Pat {name}.png", counts, unsure={0: 3} if name == "A 1" else None)
    return folder


@pytest.fixture(autouse=True)
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr("bmbench.benchmark.prediction.finished.load_trained", trained)
    return tmp_path / "run"
