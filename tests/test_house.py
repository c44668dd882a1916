"""The examples in docstrings, run; the rooms, counted."""

from __future__ import annotations

import ast
import doctest
import importlib
from collections import Counter
from pathlib import Path

import pytest

import bmbench

HOUSE = Path(bmbench.__file__).parent
FILES = sorted(HOUSE.rglob("*.py"))
WITH_EXAMPLES = [path for path in FILES if ">>>" in path.read_text("utf-8") and path.parent.name != "api"]
"""Those of the front door need a user's files: `tests/api/test_examples.py` runs them."""


@pytest.mark.parametrize("path", WITH_EXAMPLES, ids=lambda path: path.stem)
def test_examples_in_docstrings_are_true(path):
    module = importlib.import_module(".".join(path.relative_to(HOUSE.parent).with_suffix("").parts))
    ran = doctest.testmod(module)
    assert ran.attempted
    assert not ran.failed


def test_nothing_lies_loose_in_the_halls():
    for hall in ("benchmark", "datasets", "leaderboards"):
        assert [path.name for path in (HOUSE / hall).glob("*.py")] == ["__init__.py"]


def test_a_name_stands_for_one_class():
    names = Counter(
        node.name
        for path in FILES
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    )
    assert [name for name, number in names.items() if number > 1] == []


def test_files_stay_short():
    assert {path.name for path in FILES if len(path.read_text("utf-8").splitlines()) > 320} == set()


def test_the_first_file_of_a_room_is_its_map():
    """It names every file and room that lies beside it."""
    for path in HOUSE.rglob("__init__.py"):
        there = {entry.stem for entry in path.parent.iterdir() if entry.suffix == ".py" or is_room(entry)}
        docstring = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""
        missing = {name for name in there - {"__init__", "__main__"} if name not in docstring}
        assert missing == set(), path


def is_room(path: Path) -> bool:
    return (path / "__init__.py").is_file()
