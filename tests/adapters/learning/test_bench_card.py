"""The page that a graphics card fills in ten minutes is rehearsed on a processor."""

import importlib
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

BENCHMARKS = Path(__file__).resolve().parents[3] / "benchmarks"


@pytest.fixture
def bench_card(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    return importlib.import_module("bench_card")


def test_a_rehearsal_fills_every_column_of_a_method(bench_card, capsys):
    assert bench_card.main(["--rehearse", "--only", "unet_shrink"]) == 0
    lines = capsys.readouterr().out.splitlines()
    head, row = lines[2].split(" | "), lines[4].split(" | ")
    assert len(row) == len(head)
    assert row[0] == "| `unet_shrink`"
    assert row[7] == "same bytes" or torch.cuda.is_available()


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a graphics card")
def test_without_a_card_it_says_so_and_ends(bench_card, capsys):
    assert bench_card.main([]) == 2
    assert "no graphics card" in capsys.readouterr().err


def test_a_method_that_cannot_be_made_here_has_a_line_that_says_why(bench_card, monkeypatch):
    def missing(*_):
        raise ModuleNotFoundError("No module named 'somewhere'")

    monkeypatch.setattr(bench_card, "measured", missing)
    assert bench_card.line("fcos", None) == "| `fcos` | ModuleNotFoundError: No module named 'somewhere' |"
