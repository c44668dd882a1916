"""What a suite holds, as a table and as JSON (`bmbench suite list`)."""

from __future__ import annotations

from typing import Any

from rich.table import Table

from bmbench.benchmark.suite.suite_file import Suite, SuiteSet
from bmbench.present.terminal import terminal_table
from bmbench.present.words import UNDEFINED, decimal


def suite_record(suite: Suite) -> dict[str, Any]:
    """The sets of a suite with what is run on each."""
    return {
        "name": suite.name,
        "title": suite.title,
        "profile": suite.profile,
        "baselines": list(suite.baselines),
        "sets": [_record(suite, one) for one in suite.sets],
    }


def suite_table(suite: Suite) -> Table:
    """One row a set."""
    table = terminal_table("set", ("folds", "methods", "seeds", "human F1"), title=suite.title or suite.name)
    for one in suite_record(suite)["sets"]:
        folds = str(len(one["folds"])) if one["folds"] else "maker's"
        table.add_row(
            one["name"], folds, str(len(one["methods"])), str(len(one["seeds"])), decimal(one["human"], 2)
        )
    table.caption = "folds: each tests its own images; maker's: the split as published"
    return table


def _record(suite: Suite, one: SuiteSet) -> dict[str, Any]:
    return {
        "name": one.name,
        "title": one.title,
        "data": one.folder or one.dataset or UNDEFINED,
        "drawn": one.drawn,
        "folds": list(one.folds),
        "methods": list(dict.fromkeys(_methods(suite, one))),
        "seeds": list(one.seeds),
        "human": None if one.human is None else one.human.f1,
    }


def _methods(suite: Suite, one: SuiteSet) -> tuple[str, ...]:
    return (*(one.methods or suite.methods), *(name for rows in one.also for name in rows.methods))
