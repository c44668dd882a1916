"""`bmbench predict` as a user meets it."""

from __future__ import annotations

import json
import shutil
import sys
import time
from io import StringIO
from pathlib import Path

import pytest
from PIL import Image
from rich.console import Console

from bmbench import cli
from bmbench.adapters.blob_log import BlobDetector
from bmbench.core.console import Terminal
from bmbench.datasets.synthetic.dataset import sample
from tests.metrics.scenes import predictions_of, square, truth_of, write_pair


def call(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["bmbench", "predict", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return int(ended.value.code or 0)


@pytest.fixture
def field(tmp_path: Path) -> Path:
    Image.fromarray(sample(1, seed=5, size_px=256).load()).save(tmp_path / "field.png")
    return tmp_path / "field.png"


def test_it_says_what_it_found_where_it_is_and_what_it_took_for_granted(
    blob_run: Path, field: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = field.with_name("cells.geojson")
    assert call(monkeypatch, field, "--run", blob_run, "-o", out, "-o", out.with_suffix(".csv")) == 0
    printed = " ".join(capsys.readouterr().out.split())
    cells = len(out.with_suffix(".csv").read_text().splitlines()) - 1
    assert out.is_file()
    assert f"256 × 256 – 1 of 1 {cells}" in printed
    assert "confidence ≥ 0.500" in printed
    assert "field.png: pixel size unknown" in printed
    assert "cells.csv" in printed
    assert "drag its .geojson file onto it" in printed


def test_names_in_brackets_are_printed_as_they_are(
    blob_run: Path, field: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # Two images of one name are called by their paths: "a[/b].png" would close a style that nobody opened.
    monkeypatch.chdir(field.parent)
    for folder in ("a[", "c[old]"):
        Path(folder).mkdir()
        shutil.copy(field, Path(folder) / "b].png")
    assert call(monkeypatch, "a[/b].png", "c[old]/b].png", "--run", blob_run, "-o", "cells[new].csv") == 0
    printed = " ".join(capsys.readouterr().out.split())
    for name in ("Predicting a[/b].png", "Predicting c[old]/b].png", "Written: cells[new].csv"):
        assert name in printed


def test_a_bar_shows_brackets_as_they_are() -> None:
    shown = StringIO()
    terminal = Terminal(Console(file=shown, force_terminal=True, width=200))
    for name in terminal.track(["a[/b].png"], description="Looking at a[/b].png", total=1):
        terminal.note(f"cut out {name}, [bold]")
        time.sleep(0.2)
    assert "Looking at a[/b].png" in shown.getvalue()
    assert "cut out a[/b].png, [bold]" in shown.getvalue()


def test_without_an_output_a_folder_gets_geojson(
    blob_run: Path, field: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(field.parent)
    assert call(monkeypatch, "field.png", "--run", blob_run) == 0
    assert [path.name for path in (field.parent / "predictions").iterdir()] == ["field.geojson"]


@pytest.mark.parametrize("arguments", [
    ("none.png", "--run", "RUN"),
    ("field.png", "--run", "."),
    ("field.png", "--run", "RUN", "--to", "xml"),
    ("field.png", "--run", "RUN", "--regions", "field.png"),
    ("field.png", "--run", "RUN", "--truth", "none.json"),
])  # fmt: skip
def test_a_mistake_is_one_sentence_and_exit_code_2(
    blob_run: Path,
    field: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
) -> None:
    monkeypatch.chdir(field.parent)
    given = [str(blob_run) if word == "RUN" else word for word in arguments]
    assert call(monkeypatch, *given) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert said.count("\n") == 1
    assert not list(field.parent.glob("predictions*"))


def test_pictures_of_cells_too_large_for_any_memory_are_refused_before_the_work(
    blob_run: Path, field: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(field.parent)
    asked = ("field.png", "--run", blob_run, "-o", "a.csv", "--crops", "crops", "--crop-px", 999_999_999)
    assert call(monkeypatch, *asked) == 2
    said = capsys.readouterr().err
    assert "--crop-px" in said
    assert "4096" in said
    assert [path.name for path in field.parent.iterdir()] == ["field.png"]


def test_ctrl_c_says_how_to_go_on(
    blob_run: Path, field: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(BlobDetector, "predict", stopped)
    assert call(monkeypatch, field, "--run", blob_run, "-o", field.with_suffix(".csv")) == 130
    assert "the same command resumes" in capsys.readouterr().err


def test_the_threshold_is_that_of_the_runs_own_optimisation_images(
    blob_run: Path,
    field: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Of four cells three are found at 0.9, 0.7 and 0.6: recall 1/2 is reached from 0.65."""
    run = tmp_path / "run"
    shutil.copytree(blob_run, run)
    out = ("-o", field.with_name("cells.csv"))
    assert call(monkeypatch, field, "--run", run, *out, "--at", "recall=0.5") == 2
    assert "a run without optimisation images" in " ".join(capsys.readouterr().err.split())
    (run / "optimisation").mkdir()
    truth = truth_of([square(200 * k, 20) for k in range(4)])
    found = predictions_of([square(200 * k, 20) for k in range(3)], [0.9, 0.7, 0.6])
    write_pair(run / "optimisation", truth, found)
    assert call(monkeypatch, field, "--run", run, *out, "--at", "recall=0.5", "--json") == 0
    assert json.loads(capsys.readouterr().out)["threshold"] == pytest.approx(0.65)
    assert call(monkeypatch, field, "--run", run, *out, "--at", "recall=0.5") == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "threshold 0.65 for recall 0.5: recall is 0.500 by centres on the optimisation images" in shown
    assert call(monkeypatch, field, "--run", run, *out, "--at", "recall=0.5", "--threshold", 0.4) == 2
