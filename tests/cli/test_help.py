"""What ``--help`` says: one line an option, and no summary that is cut off."""

from collections.abc import Iterator
from typing import Any

import pytest
from typer.main import get_command

from bmbench.cli import app


def commands(command: Any, name: str = "bmbench") -> Iterator[tuple[str, Any]]:
    yield name, command
    for part, below in getattr(command, "commands", {}).items():
        yield from commands(below, f"{name} {part}")


COMMANDS = dict(commands(get_command(app)))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_told_in_one_line_of_80_columns(name):
    helps = {option.name: getattr(option, "help", None) or "" for option in COMMANDS[name].params}
    assert {option: text for option, text in helps.items() if len(text) > 80} == {}


@pytest.mark.parametrize(
    "group", [name for name, command in COMMANDS.items() if hasattr(command, "commands")]
)
def test_no_summary_is_cut_off_at_80_columns(bmbench, monkeypatch, group):
    monkeypatch.setenv("COLUMNS", "80")
    shown = bmbench(*group.split()[1:], "--help").out.partition("Commands:")[2].splitlines()
    listed = dict(line.split(maxsplit=1) for line in shown if line)
    assert list(listed) == list(COMMANDS[group].commands)
    assert [text for text in listed.values() if not text.endswith(".") or text.endswith("...")] == []
