"""The trials of a search: Optuna's journal file or a database, and which settings to try next.

The first trial has the settings that the search began with, so that it cannot end with worse ones. Trials
come in rounds. Which settings one gets depends on the seed, its number, what became of the trials of earlier
rounds and what was drawn before it in its own, and on nothing else: a search that is killed, in the middle
of a trial or of a round, draws the same settings again.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bmbench.adapters.search_space import Choice, Range, Space, Whole
from bmbench.benchmark.search.postgresql import Database
from bmbench.core.errors import BadInputError, RunFailedError
from bmbench.core.gate import read_bytes, require_file

if TYPE_CHECKING:
    import optuna
    from optuna.storages import BaseStorage

_STUDY = "bmbench"
_WHY = "why"
"""The attribute that says why a trial was given up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One set of settings and what became of it.

    Attributes
    ----------
    number : int
        Its place among the trials that came to an end, from 0.
    settings : mapping
        What was drawn.
    value : float or None
        F1 (CD) on the optimisation images; None if it was given up.
    looks : tuple of (step, validation loss)
    facts : mapping
        Whatever else was recorded: the best way to decode, why it was given up.
    """

    number: int
    settings: Mapping[str, Any]
    value: float | None
    looks: tuple[tuple[int, float], ...]
    facts: Mapping[str, Any]


class Store:
    """The trials of one search; only the process that holds the search's folder may open it.

    They are in a journal file or in a database. `at_once` is the number of trials in a round. The first
    trial has the settings `first`, where the space holds them.
    """

    def __init__(
        self,
        place: Path | Database,
        space: Space,
        *,
        first: Mapping[str, Any],
        seed: int,
        at_once: int = 1,
    ) -> None:
        import optuna

        from bmbench.benchmark.search.postgresql import Database

        self._space, self._first, self._seed, self._at_once = space, first, seed, at_once
        with _quiet():
            self._study = optuna.create_study(
                storage=place.storage() if isinstance(place, Database) else _journal(place),
                study_name=place.study if isinstance(place, Database) else _STUDY,
                direction="maximize",
                load_if_exists=True,
            )
            for trial in self._study.get_trials(states=(optuna.trial.TrialState.RUNNING,)):
                self._study.tell(trial.number, state=optuna.trial.TrialState.FAIL)

    def ended(self) -> tuple[Trial, ...]:
        """The trials that came to an end, in their order; those of killed processes are none."""
        from optuna.trial import TrialState

        found = self._study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED))
        return tuple(
            Trial(
                number=number,
                settings=dict(trial.params),
                value=trial.value,
                looks=tuple((step, -value) for step, value in sorted(trial.intermediate_values.items())),
                facts=dict(trial.user_attrs),
            )
            for number, trial in enumerate(found)
        )

    def before(self, number: int) -> tuple[Trial, ...]:
        """The trials of the rounds before that of trial `number`."""
        return self.ended()[: self._begin(number)]

    def ask(self) -> Asked:
        """The next settings to try; `Asked.tell` or `Asked.give_up` ends the trial.

        The trials of a round have to be ended in the order in which they were asked for.
        """
        import optuna
        from optuna.trial import TrialState

        states = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.RUNNING)
        known = self._study.get_trials(deepcopy=False, states=states)
        with _quiet():
            settings = self._drawn(known)
            self._study.sampler = optuna.samplers.PartialFixedSampler(
                settings, optuna.samplers.RandomSampler()
            )
            trial = self._study.ask()
            for name in settings:
                _draw(trial, name, self._space.learned[name])
        return Asked(self._study, trial, number=len(known), settings=settings)

    def _drawn(self, known: Sequence[optuna.trial.FrozenTrial]) -> dict[str, Any]:
        """The settings of the trial after those that are known.

        They are drawn in a study that ends with the round before: the store's own has more in it where a
        part of the round was ended by a process that was killed. Optuna keeps away from what is under way.
        """
        import optuna
        from optuna.trial import TrialState, create_trial

        seed = int(np.random.SeedSequence([self._seed, len(known)]).generate_state(1)[0])
        study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed))
        begin = self._begin(len(known))
        study.add_trials(known[:begin])
        for one in known[begin:]:
            study.add_trial(
                create_trial(state=TrialState.RUNNING, params=one.params, distributions=one.distributions)
            )
        own = {} if known else self._first
        trial, settings = study.ask(), dict[str, Any]()
        for name, kind in self._space.learned.items():
            if kind.when is None or str(settings.get(kind.when[0])) == kind.when[1]:
                keep = name in own and kind.holds(own[name])
                settings[name] = own[name] if keep else _draw(trial, name, kind)
        return settings

    def _begin(self, number: int) -> int:
        """The number of the first trial in the round of another one."""
        return number - number % self._at_once

    def importance(self) -> dict[str, float]:
        """How much of the difference between trials each setting explains (PED-ANOVA); adds up to 1.

        Empty where fewer than four trials were judged, or all came out the same.
        """
        import optuna

        values = [trial.value for trial in self.ended() if trial.value is not None]
        if len(values) < 4 or len(set(values)) < 2:
            return {}
        with _quiet():
            found = optuna.importance.get_param_importances(self._study)
        return {name: float(value) for name, value in found.items()}


class Asked:
    """A trial under way."""

    def __init__(
        self, study: optuna.Study, trial: optuna.Trial, *, number: int, settings: Mapping[str, Any]
    ) -> None:
        self._study, self._trial = study, trial
        self.number, self.settings = number, settings

    def look(self, step: int, loss: float) -> None:
        """Record a look at the validation loss; Optuna, which maximises, sees it with a minus."""
        self._trial.report(-loss, step)

    def tell(self, value: float, facts: Mapping[str, Any]) -> None:
        """End the trial with its value."""
        for name, fact in facts.items():
            self._trial.set_user_attr(name, fact)
        self._study.tell(self._trial, value)

    def give_up(self, why: str) -> None:
        """End the trial without one."""
        from optuna.trial import TrialState

        self._trial.set_user_attr(_WHY, why)
        self._study.tell(self._trial, state=TrialState.PRUNED)


def _draw(trial: optuna.Trial, name: str, kind: Range) -> Any:
    if isinstance(kind, Choice):
        return trial.suggest_categorical(name, kind.options)
    if isinstance(kind, Whole):
        return trial.suggest_int(name, kind.low, kind.high)
    return trial.suggest_float(name, kind.low, kind.high, log=kind.log)


@contextmanager
def _quiet() -> Iterator[None]:
    """Optuna without its log and its warnings about interfaces that may change: its version is pinned."""
    import optuna

    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            yield
    finally:
        optuna.logging.set_verbosity(before)


@contextmanager
def refusals(path: Path, database: Database | None) -> Iterator[None]:
    """A disk or a database that refuses, as one sentence; everything else says by itself what it was."""
    refused: tuple[type[Exception], ...] = (OSError,)
    if database is not None:
        from optuna.exceptions import StorageInternalError
        from sqlalchemy.exc import SQLAlchemyError

        refused = (OSError, StorageInternalError, SQLAlchemyError)
    try:
        yield
    except refused as error:
        if database is None or isinstance(error, OSError):
            reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
            raise RunFailedError(f"{path}: cannot be written ({reason})") from error
        said = f"{database.shown}: the database is lost ({database.reason(error)})"
        # Not from the error: its text may hold the address with the password.
        raise RunFailedError(f"{said}; resume with: bmbench tune --resume {path}") from None


def _journal(path: Path) -> BaseStorage:
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    _cut_torn_line(path)
    # The one that held Optuna's own lock is dead, and nobody else comes near.
    path.with_name(f"{path.name}.lock").unlink(missing_ok=True)
    _check_lines(path)
    try:
        return JournalStorage(JournalFileBackend(str(path)))
    # Optuna reads the journal here, and takes for granted that every line is one of its own.
    except (ValueError, LookupError, TypeError, AttributeError, AssertionError) as error:
        raise _damaged(str(path), f"{type(error).__name__}: {error}") from None


def _check_lines(path: Path) -> None:
    """Nothing, or a BadInputError for a line that is no JSON: Optuna would overlook it at the end."""
    if not path.exists():
        return
    for number, line in enumerate(read_bytes(path).splitlines(), start=1):
        try:
            json.loads(line)
        except ValueError as error:
            raise _damaged(f"{path}, line {number}", str(error)) from None


def _damaged(where: str, got: str) -> BadInputError:
    remedy = "restore it, or begin a new search"
    return BadInputError("not a journal of trials", where=where, got=got, remedy=remedy)


def _cut_torn_line(path: Path) -> None:
    """Remove the end of a line that a killed process did not finish; the next one would be glued to it."""
    if not path.exists():
        return
    require_file(path)
    with path.open("r+b") as file:
        data = file.read()
        file.truncate(data.rfind(b"\n") + 1)


def check_space(space: Space, method: str) -> None:
    """Nothing, or a BadInputError where there is nothing to search."""
    if not space.learned and not space.decoded:
        raise BadInputError(
            f"{method} has no settings to search",
            remedy="choose a U-Net, or give a method of your own a `space` (bmbench.adapters.search_space)",
        )
