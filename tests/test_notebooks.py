"""The notebooks of docs/: they hold what their Python files say, are small, and run."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"


@pytest.fixture(name="script", scope="module")
def _script():
    spec = importlib.util.spec_from_file_location("make_notebooks", DOCS / "make_notebooks.py")
    found = sys.modules["make_notebooks"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


NAMES = sorted(path.stem for path in (DOCS / "notebooks").glob("*.py"))


def text_of(source):
    return "".join(source)


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_holds_its_python_file_and_answers_without_an_error(script, name):
    path = DOCS / "notebooks" / f"{name}.ipynb"
    book, made = json.loads(path.read_text("utf-8")), script.notebook(name)
    kinds = [(cell["cell_type"], text_of(cell["source"])) for cell in book["cells"]]
    assert kinds == [(cell["cell_type"], cell["source"]) for cell in made["cells"]], (
        f"run python docs/make_notebooks.py {name}"
    )
    outputs = [output for cell in book["cells"] for output in cell.get("outputs", ())]
    assert outputs
    assert not [output for output in outputs if output["output_type"] == "error"]
    assert path.stat().st_size < 450_000
    assert "/home/" not in path.read_text("utf-8")


def test_all_of_them_are_made(script):
    assert sorted(script.NAMES) == NAMES


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_runs_from_top_to_bottom(script, name, torch, tmp_path):
    pytest.importorskip("nbclient", reason="nbclient is not installed (bmbench[notebook])")
    pytest.importorskip("ipykernel", reason="ipykernel is not installed (bmbench[notebook])")
    pytest.importorskip("pandas", reason="pandas is not installed (bmbench[notebook])")
    book = script.executed(name, tmp_path)
    assert [cell for cell in book["cells"] if cell["cell_type"] == "code" and cell["outputs"]]
