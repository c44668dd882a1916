"""Whether a run or a search can be resumed here and end with the same bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bmbench.benchmark.records.environment import describe_environment, versions_of
from bmbench.benchmark.run.plan import Plan, config
from bmbench.core.errors import BadInputError
from bmbench.core.files import read_json

if TYPE_CHECKING:
    from pathlib import Path


class OutdatedError(BadInputError):
    """Work of another version of bmbench, or of a dependency: it cannot be resumed, only begun anew."""


def refuse_changes(begun: dict[str, Any], plan: Plan, *, where: Path, versions: Path) -> None:
    """Nothing, or an OutdatedError if the plan, or what it would be done with, is not what it was.

    Other data are a plain BadInputError: no version explains them.

    `begun` is the configuration at the time, which stands in the file `where`; `versions` the file of the
    environment.
    """
    now = config(plan)
    for name in sorted(begun.keys() | now.keys()):
        if begun.get(name) != now.get(name):
            kind = BadInputError if name == "data_hash" else OutdatedError
            raise kind(
                f"begun with another {name}",
                where=str(where),
                expected=short(begun.get(name)),
                got=short(now.get(name)),
                remedy="restore it, or begin anew in another folder",
            )
    then, here = versions_of(read_json(versions)), versions_of(describe_environment())
    for name in sorted(then.keys() | here.keys()):
        if then.get(name) != here.get(name):
            raise OutdatedError(
                f"begun with another version of {name}",
                where=str(versions),
                expected=str(then.get(name)),
                got=str(here.get(name)),
                remedy="install that one, or begin anew in another folder",
            )


def short(value: Any) -> str:
    """A value as one can read it in a sentence."""
    text = str(value)
    return text if len(text) <= 60 else f"{text[:57]}…"
