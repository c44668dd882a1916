"""What a search is about: the plan of its runs, and the space."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import msgspec

from bmbench.adapters.search_space import Space
from bmbench.benchmark.records.options import RunOptions
from bmbench.benchmark.records.run_records import read_record
from bmbench.benchmark.run.plan import Plan, resolve
from bmbench.benchmark.search.postgresql import Database, Stored
from bmbench.benchmark.search.trial import searched
from bmbench.benchmark.search.trials import check_space
from bmbench.core.errors import BadInputError, MissingExtraError
from bmbench.core.progress import Progress

SCHEMA = "bmbench.tuning/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class TuneOptions:
    """The options of `bmbench tune`.

    Attributes
    ----------
    run : RunOptions
        Of the runs that are tried. What `settings` says is not searched.
    trials : int
        Trainings that come to an end, be it early.
    decodings : int
        Ways to decode that are tried on each training, beside the one of the settings.
    at_once : int
        Trials of one round: their settings are drawn before any of them has ended.
    store : Database or None
        Where the trials are kept; None: in a journal in the search's folder.
    """

    run: RunOptions
    trials: int = 20
    decodings: int = 16
    at_once: int = 1
    store: Database | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """What the record of a search says about how it was begun; `run` is the configuration of its runs."""

    trials: Annotated[int, msgspec.Meta(ge=1)]
    decodings: Annotated[int, msgspec.Meta(ge=0)]
    run: dict[str, Any]
    at_once: Annotated[int, msgspec.Meta(ge=1)] = 1
    store: Stored | None = None

    @classmethod
    def read(cls, path: Path) -> Begun:
        """What stands in a search's tuning.json; BadInputError if it is none."""
        return read_record(path, cls, schema=SCHEMA, what="the record of a search")


def resolve_search(options: RunOptions, progress: Progress) -> Plan:
    """The plan of the runs that are tried.

    Raises
    ------
    MissingExtraError
        If Optuna is not installed.
    BadInputError
        For what a run would refuse, or data without optimisation images.
    """
    import importlib.util

    if importlib.util.find_spec("optuna") is None:
        raise MissingExtraError("optuna, which searches need,", extra="tune")
    plan = resolve(options, progress)
    if not plan.split.samples["optimisation"]:
        raise BadInputError("no image in the subset 'optimisation'", remedy="check the data set's split")
    return plan


def space_of(plan: Plan) -> Space:
    """What is searched; BadInputError where that is nothing."""
    space = searched(plan)
    check_space(space, plan.method.name)
    return space
