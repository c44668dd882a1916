"""What docs/runs.md says is searched, method by method, is what the methods say."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from bmbench.adapters import METHODS

TEXT = (Path(__file__).parents[2] / "docs" / "runs.md").read_text("utf-8")
SECTION = TEXT.partition("| methods | needs a training |")[2].partition("\n\n")[0]
ROWS = [
    [re.findall(r"`([^`]+)`", cell) for cell in line.strip("|").split("|")]
    for line in SECTION.splitlines()[2:]
]
"""Patterns of methods, and settings of trainings and of answers, row by row."""
SEARCHED = [name for name in METHODS.names() if METHODS.get(name).space]


@pytest.mark.parametrize("name", SEARCHED)
def test_the_table_says_what_a_search_of_each_method_tries(name):
    mine = [row for row in ROWS if any(fnmatchcase(name, pattern) for pattern in row[0])]
    for column, kind in ((1, "learned"), (2, "decoded")):
        told = [setting for row in mine for setting in row[column]]
        assert len(told) == len(set(told)), "told twice"
        spaces = METHODS.get(name).space.values()
        assert set(told) == {setting for space in spaces for setting in getattr(space, kind)}


def test_every_row_is_of_methods_that_are_there():
    patterns = {pattern for row in ROWS for pattern in row[0]}
    assert len(ROWS) > 10
    assert all(any(fnmatchcase(name, pattern) for name in SEARCHED) for pattern in patterns)
