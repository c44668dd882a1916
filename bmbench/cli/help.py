"""How commands explain themselves: help in groups, words for what options take, faults in one dialect."""

from __future__ import annotations

import difflib
import re
import typing
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperGroup

from bmbench.cli.starting import take_plain_values

UsageFault: type[Any] = typer.BadParameter.__mro__[2]
"""What the parser of the command line raises for all that cannot be parsed."""
GROUPS: dict[str, tuple[str, ...]] = {
    "Train": ("run", "tune", "reproduce", "budget", "suite", "redecode", "test"),
    "Score": ("score", "compare", "artefacts", "verify", "table", "view", "report"),
    "Use": ("count", "predict", "crops", "models"),
    "Methods and data": ("methods", "method", "datasets"),
    "Leaderboards": ("submit", "validate", "leaderboard"),
}
"""Commands by what they are for; those that no group names come last."""
_TYPES: dict[Any, str] = {str: "TEXT", Path: "PATH", int: "N", float: "X"}
_FAULTS = (
    (r"Input should be a valid integer.*", "not a whole number"),
    (r"Input should be a valid number.*", "not a number"),
    (r"Input should be greater than or equal to (\S+)", r"expected \1 or more"),
    (r"Input should be less than or equal to (\S+)", r"expected \1 at most"),
    (r"Input should be greater than (\S+)", r"expected more than \1"),
    (r"Input should be less than (\S+)", r"expected less than \1"),
    (r"Value error, '.*?' is not one of (.+)", r"expected one of \1"),
    (r"Input should be (.+)", r"expected \1"),
    # Typer up to 0.26 checks by itself, in other words.
    (r"'.*' is not a valid integer.*", "not a whole number"),
    (r"'.*' is not a valid float.*", "not a number"),
    (r"\S+ is not in the range x>=(\S+)", r"expected \1 or more"),
    (r"\S+ is not in the range ([^\s<]+)<=x<=(\S+)", r"expected \1 to \2"),
    (r"'.*?' is not one of (.+)", r"expected one of \1"),
    (r"Invalid value: (.+)", r"\1"),
    (r"Got unexpected extra arguments?(?:\(s\))? \((.+)\)", r"more arguments than it takes: \1"),
    (r"Option '(.+)' requires an argument", r"\1 needs a value"),
)
"""What the checker of types says, and what we say."""


class GroupedCommands(TyperGroup):
    """The commands of bmbench, by what they are for; no help has words of type checkers."""

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        _prepare(self)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the groups, each command with its summary in one line."""
        names = self.list_commands(ctx)
        named = {name for group in GROUPS.values() for name in group}
        groups = {**GROUPS, "More": tuple(name for name in names if name not in named)}
        limit = formatter.width - 6 - max(map(len, names))
        for title, members in groups.items():
            rows = [
                (name, self.commands[name].get_short_help_str(limit)) for name in members if name in names
            ]
            if rows:
                # Padded alike: the summaries of all groups stand below each other.
                width = max(map(len, names))
                with formatter.section(title):
                    formatter.write_dl([(f"{name:<{width}}", text) for name, text in rows])


def usage_sentence(error: Any, arguments: Sequence[str]) -> str:
    """What is wrong with a command line, in one sentence like all others of bmbench."""
    command = " ".join(error.ctx.command_path.split()) if error.ctx is not None else "bmbench"
    hint = f"see {command} --help"
    if getattr(error, "option_name", None) is not None and hasattr(error, "possibilities"):
        known = [option for param in error.ctx.command.params for option in param.opts if option[:2] == "--"]
        return f"unknown option {error.option_name!r}; {_meant(error.option_name, known) or hint}"
    unknown = re.match(r"No such command '(.*?)'", error.message)
    if unknown:
        return (
            f"unknown command {unknown[1]!r}; {_meant(unknown[1], list(error.ctx.command.commands)) or hint}"
        )
    param = getattr(error, "param", None)
    if type(error).__name__ == "MissingParameter" and param is not None:
        kind = "option" if param.param_type_name == "option" else "argument"
        return f"the {kind} {_called(param)} is missing; {hint}"
    if param is not None:
        given = _given(param, arguments)
        return f"{_called(param)}{given}: {_translated(error.message)}; {hint}"
    return f"{_translated(error.format_message()).rstrip('.')}; {hint}"


def _meant(name: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f"did you mean {near[0]!r}?" if near else ""


def _called(param: Any) -> str:
    return max(param.opts, key=len) if param.param_type_name == "option" else str(param.name).upper()


def _given(param: Any, arguments: Sequence[str]) -> str:
    """The value of an option as it was written, where it is found."""
    for number, argument in enumerate(arguments):
        name, equals, value = argument.partition("=")
        if name in param.opts:
            if equals:
                return f" {value}"
            return f" {arguments[number + 1]}" if number + 1 < len(arguments) else ""
    return ""


def _translated(message: str) -> str:
    for pattern, words in _FAULTS:
        if re.fullmatch(pattern, message.rstrip(".")):
            return re.sub(pattern, words, message.rstrip(".")).rstrip(".").replace("'", "")
    return message.rstrip(".")


def _prepare(command: Any) -> None:
    """Say in plain words what options take, of a command and of all below it; check no more than needed."""
    take_plain_values(command)
    for param in command.params:
        if param.param_type_name == "option":
            param.metavar = param.metavar or _word(param)
        else:
            param.metavar = param.metavar or str(param.name).upper()
            # Beside its name nothing need be said of an argument.
            param.display_type_rich = _nothing
    for below in getattr(command, "commands", {}).values():
        _prepare(below)


def _nothing(**_: Any) -> str:
    return ""


def _word(param: Any) -> str | None:
    """What an option takes, in a word; None for flags, choices, and where typer says it otherwise."""
    annotation = getattr(getattr(param, "type_descriptor", None), "annotation", None)
    kinds = [one for one in (typing.get_args(annotation) or (annotation,)) if one is not type(None)]
    word = _TYPES.get(kinds[0]) if len(kinds) == 1 else None
    return f"{word}…" if word and param.multiple else word
