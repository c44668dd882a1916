"""`bmbench tune`: a search for better settings, in a directory of its own that can be gone on with.

::

    runs/synthetic-weak-unet_shrink-quick-s0-tuning/
      tuning.json        what was asked for, resolved; the space that is searched
      environment.json   versions, commit with a dirty flag, machine
      log.txt            every trial with its time
      journal.log        Optuna's journal of the trials
      trials/000/ …      result.json, and predictions.json and truth.json of the optimisation images
      timing.json        seconds of work
      importance.png     which settings matter
      settings.json      the best settings, for `bmbench run --settings`

Test images are never looked at.
"""

from __future__ import annotations

import dataclasses
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bmbench.adapters.space import Space
from bmbench.benchmark.begun import refuse_changes
from bmbench.benchmark.console import Logged
from bmbench.benchmark.environment import describe_environment
from bmbench.benchmark.options import RunOptions
from bmbench.benchmark.plan import Plan, config, resolve
from bmbench.benchmark.rundir import RunDir
from bmbench.benchmark.timing import Clock
from bmbench.benchmark.tuning_store import Asked, Store, Trial, check_space
from bmbench.benchmark.tuning_trial import Judged, changed, decodings, is_hopeless, judge, train
from bmbench.core.errors import BadInputError, MissingExtraError, RunFailedError, Stopped, TrainingFailedError
from bmbench.core.files import read_json, write_json
from bmbench.core.locks import only_one

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

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
    """

    run: RunOptions
    trials: int = 20
    decodings: int = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuning:
    """A search that has come to its end."""

    path: Path
    trials: tuple[Trial, ...]
    importance: dict[str, float]
    run: RunOptions

    @property
    def settings(self) -> Path:
        """The file of the best settings."""
        return self.path / "settings.json"


class _GivenUpError(Exception):
    """A training is not worth going on with."""


def tune(options: TuneOptions, progress: Progress) -> Tuning:
    """The search for better settings, done, in a new directory in `options.run.out`.

    Raises
    ------
    BadInputError
        For options that a run would refuse, a method without a search space, or data without
        optimisation images.
    MissingExtraError
        If Optuna, or what the method needs, is not installed.
    Stopped
        On Ctrl-C: `resume_tuning` goes on.
    """
    options = dataclasses.replace(options, run=options.run.settled())
    plan = _resolve(options.run, progress)
    space = _space(plan)
    record = {
        "schema": SCHEMA,
        "trials": options.trials,
        "decodings": options.decodings,
        "run": config(plan),
        "space": dataclasses.asdict(space),
    }
    files = {"tuning.json": record, "environment.json": describe_environment()}
    folder = RunDir.create(options.run.out, f"{plan.name}-tuning", files)
    return _finish(folder.path, plan, options, progress)


def resume_tuning(path: Path, progress: Progress, *, trials: int | None = None) -> Tuning:
    """The search in that directory, done: it goes on where it stood, with more trials if so asked.

    Raises
    ------
    BadInputError
        If the folder holds no search, another process works on it, or it was begun with other data or
        versions.
    """
    if not (path / "tuning.json").is_file():
        raise BadInputError("is not a search: it has no tuning.json", where=str(path))
    record = read_json(path / "tuning.json")
    asked = RunOptions.from_json(record["run"].get("options"), where=f"{path}/tuning.json, run.options")
    plan = _resolve(asked, progress)
    options = TuneOptions(run=asked, trials=trials or record["trials"], decodings=record["decodings"])
    return _finish(path, plan, options, progress)


def _resolve(options: RunOptions, progress: Progress) -> Plan:
    import importlib.util

    if importlib.util.find_spec("optuna") is None:
        raise MissingExtraError("optuna, which searches need,", extra="tune")
    plan = resolve(options, progress)
    if not plan.split.samples["optimisation"]:
        raise BadInputError("no image in the subset 'optimisation'", remedy="check the data set's split")
    return plan


def _space(plan: Plan) -> Space:
    """The method's space, without what the options fix."""
    whole = plan.method.space.get(plan.options.profile, Space(learned={}))
    fixed = plan.options.settings
    space = dataclasses.replace(
        whole,
        learned={name: kind for name, kind in whole.learned.items() if name not in fixed},
        decoded={name: kind for name, kind in whole.decoded.items() if name not in fixed},
    )
    check_space(space, plan.method.name)
    return space


def _finish(path: Path, plan: Plan, options: TuneOptions, progress: Progress) -> Tuning:
    folder = RunDir(path)
    with only_one(path):
        record = folder.read("tuning.json")
        refuse_changes(record["run"], plan, where=path / "tuning.json", versions=path / "environment.json")
        folder.sweep()
        folder.write("tuning.json", record | {"trials": options.trials})
        search = _Search(
            folder=folder,
            plan=plan,
            options=options,
            space=_space(plan),
            store=Store(path / "journal.log", _space(plan), seed=plan.options.seed),
            clock=Clock(folder.timing),
        )
        try:
            with Logged.to(folder.log, progress) as logged:
                return search.finish(logged)
        except KeyboardInterrupt:
            raise Stopped(f"stopped; go on with: bmbench tune --resume {path}") from None
        except OSError as error:
            # Optuna's journal; everything else says by itself which file it was.
            raise RunFailedError(f"{path}: cannot be written ({error.strerror or error})") from error


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Search:
    """A search under way."""

    folder: RunDir
    plan: Plan
    options: TuneOptions
    space: Space
    store: Store
    clock: Clock

    def finish(self, progress: Progress) -> Tuning:
        """Make the trials that are missing and write what came of them."""
        left = range(len(self.store.ended()), self.options.trials)
        for number in progress.track(left, description="Trials", total=len(left)):
            self._try(self.store.ask(), _Within(progress, f"trial {number + 1} of {self.options.trials}"))
            self.clock.save()
        trials = self.store.ended()
        importance = self.store.importance()
        self._conclude(trials, importance)
        return Tuning(path=self.folder.path, trials=trials, importance=importance, run=self.plan.options)

    def _try(self, asked: Asked, progress: Progress) -> None:
        place = self.folder.path / "trials" / f"{asked.number:03d}"
        state = place / "unfinished"
        settings = changed(self.plan.settings, asked.settings)
        try:
            detector = train(
                self.plan, settings, state=state, report=self._reporter(asked), progress=progress
            )
            ways = decodings(self.space.decoded, self.options.decodings, seed=self.plan.options.seed)
            judged = judge(self.plan, detector, settings, ways, place)
        except (_GivenUpError, TrainingFailedError) as reason:
            asked.give_up(str(reason))
            progress.note(f"given up: {reason}")
        else:
            self._record(asked, judged, place)
            progress.note(f"F1 {judged.f1:.3f}")
        shutil.rmtree(state, ignore_errors=True)

    def _reporter(self, asked: Asked) -> Any:
        """Records every look, and ends a training that does worse than its peers did."""
        own = {name: asked.settings.get(name) for name in self.space.yardstick}
        peers = [
            trial.looks
            for trial in self.store.ended()
            if trial.value is not None and {name: trial.settings.get(name) for name in own} == own
        ]
        looks: list[tuple[int, float]] = []

        def report(step: int, loss: float | None) -> None:
            self.clock.save()
            if loss is None:
                return
            looks.append((step, loss))
            asked.look(step, loss)
            if is_hopeless(tuple(looks), peers):
                raise _GivenUpError(f"relative validation loss {loss:.3f} at step {step}, worse than most")

        return report

    def _record(self, asked: Asked, judged: Judged, place: Path) -> None:
        facts = {"decoded": dict(judged.decoded), "ap": judged.ap, "threshold": judged.threshold}
        write_json(place / "result.json", {"settings": dict(asked.settings), "f1": judged.f1, **facts})
        asked.tell(judged.f1, facts)

    def _conclude(self, trials: Sequence[Trial], importance: dict[str, float]) -> None:
        judged = [trial for trial in trials if trial.value is not None]
        if not judged:
            raise TrainingFailedError(
                f"all {len(trials)} trials were given up ({trials[-1].facts['why']}); "
                "try a lower learning rate, or more trials"
            )
        best = best_first(judged)[0]
        changes = {**best.settings, **best.facts["decoded"]}
        record = {
            "schema": "bmbench.settings/1",
            "method": self.plan.method.name,
            "profile": self.plan.options.profile,
            "settings": dataclasses.asdict(changed(self.plan.settings, changes)),
            "chosen": {"trial": best.number, "of": len(trials), "f1_optimisation": best.value},
            "data_hash": self.plan.data_hash,
        }
        self.folder.write("settings.json", record)
        if importance:
            from bmbench.benchmark.tuning_figures import draw_importance

            draw_importance(self.folder.path / "importance.png", importance, title=self.plan.name)
        self.clock.save()


def best_first(trials: Iterable[Trial]) -> list[Trial]:
    """The trials that were judged, the best first: by F1, then by AP, then the earlier."""
    judged = [trial for trial in trials if trial.value is not None]
    return sorted(judged, key=lambda trial: (-(trial.value or 0), -(trial.facts["ap"] or 0), trial.number))


class _Within:
    """The progress of one trial inside that of the search: its facts, without bars of its own."""

    def __init__(self, listener: Progress, name: str) -> None:
        self._listener, self._name = listener, name

    def track(self, items: Iterable[Any], *, description: str, total: int) -> Iterator[Any]:  # noqa: ARG002
        """The items again."""
        yield from items

    def note(self, text: str) -> None:
        """Pass the fact on with the trial's name."""
        self._listener.note(f"{self._name}: {text}")
