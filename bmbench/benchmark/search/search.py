"""`bmbench tune`: a search for better settings, in a directory of its own that can be resumed.

::

    runs/synthetic-weak-unet_shrink-quick-s0-tuning/
      tuning.json        what was asked for, resolved; the space that is searched
      environment.json   versions, commit with a dirty flag, machine
      log.txt            every trial with its time
      journal.log        Optuna's journal of the trials, unless they are in a database
      trials/000/ …      result.json, and predictions.json and truth.json of the optimisation images
      timing.json        seconds of work
      importance.png     which settings matter
      settings.json      the best settings, for `bmbench run --settings`
      manifest.json      SHA-256 of all other files but log, timing and journal

Test images are never looked at.
"""

import dataclasses
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bmbench.adapters.search_space import Space
from bmbench.benchmark.records.environment import describe_environment
from bmbench.benchmark.records.options import RunOptions
from bmbench.benchmark.records.run_folder import Clock, RunDir
from bmbench.benchmark.records.seal import MANIFEST, SEARCH, check_seal, require_as_sealed, seal, unseal
from bmbench.benchmark.records.settings_files import SEARCHED
from bmbench.benchmark.run.begin_or_resume import refuse_changes
from bmbench.benchmark.run.decodings import Judged, changed
from bmbench.benchmark.run.plan import Plan, config
from bmbench.benchmark.search.plan import SCHEMA, Begun, TuneOptions, resolve_search, space_of
from bmbench.benchmark.search.postgresql import recorded
from bmbench.benchmark.search.trial import Ended, Looks, make_trial
from bmbench.benchmark.search.trials import Asked, Store, Trial, refusals
from bmbench.benchmark.workers.cluster import Cluster
from bmbench.core.console import Logged, Within
from bmbench.core.errors import BadInputError, Stopped, TrainingFailedError
from bmbench.core.files import write_json
from bmbench.core.locks import NO_LOCKS, only_one
from bmbench.core.progress import Progress


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

    def to_json(self) -> dict[str, Any]:
        """What ``bmbench tune --json`` prints: trials from 1, the best first, those given up last."""
        given_up = [trial for trial in self.trials if trial.value is None]
        return {
            "folder": str(self.path),
            "settings": str(self.settings),
            "method": self.run.method,
            "importance": dict(self.importance),
            "trials": [
                {"trial": one.number + 1, "f1": one.value, "settings": dict(one.settings), **one.facts}
                for one in (*best_first(self.trials), *given_up)
            ],
        }


def tune(options: TuneOptions, progress: Progress, *, cluster: Cluster | None = None) -> Tuning:
    """The search for better settings, done, in a new directory in `options.run.out`.

    The trials are made here, or by the workers of a cluster.

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
    plan = resolve_search(options.run, progress)
    space = space_of(plan)
    for sentence in plan.statements:
        progress.tell(sentence)
    record = {
        "schema": SCHEMA,
        "trials": options.trials,
        "decodings": options.decodings,
        "at_once": options.at_once,
        "run": config(plan),
        "space": dataclasses.asdict(space),
        **({"store": options.store.to_json()} if options.store else {}),
    }
    files = {"tuning.json": record, "environment.json": describe_environment()}
    folder = RunDir.create(options.run.out, f"{plan.name}-tuning", files)
    return _finish(folder.path, plan, options, progress, cluster=cluster)


def resume_tuning(
    path: Path,
    progress: Progress,
    *,
    trials: int | None = None,
    cluster: Cluster | None = None,
    store: str | None = None,
) -> Tuning:
    """The search in that directory, done: it goes on where it stood, with more trials if so asked.

    `store` is the address of its database with the password, where that is needed.

    Raises
    ------
    BadInputError
        If the folder holds no search, another process works on it, or it was begun with other data or
        versions.
    """
    if not (path / "tuning.json").is_file():
        raise BadInputError("is not a search: it has no tuning.json", where=str(path))
    begun = Begun.read(path / "tuning.json")
    asked = RunOptions.from_json(begun.run.get("options"), where=f"{path}/tuning.json, run.options")
    plan = resolve_search(asked, progress)
    options = TuneOptions(
        run=asked,
        trials=trials or begun.trials,
        decodings=begun.decodings,
        at_once=begun.at_once,
        store=recorded(begun.store, store),
    )
    return _finish(path, plan, options, progress, cluster=cluster)


def _finish(
    path: Path, plan: Plan, options: TuneOptions, progress: Progress, *, cluster: Cluster | None
) -> Tuning:
    folder = RunDir(path)
    with only_one(path) as kept:
        record = folder.read("tuning.json")
        refuse_changes(record["run"], plan, where=path / "tuning.json", versions=path / "environment.json")
        folder.sweep()
        if (path / MANIFEST).exists():
            require_as_sealed(check_seal(path, SEARCH))
        unseal(path)
        folder.write("tuning.json", record | {"trials": options.trials})
        space = space_of(plan)
        try:
            with refusals(path, options.store), Logged.to(folder.log, progress) as logged:
                if not kept:
                    logged.note(NO_LOCKS)
                store = Store(
                    options.store or path / "journal.log",
                    space,
                    first=dataclasses.asdict(plan.settings),
                    seed=plan.options.seed,
                    at_once=options.at_once,
                )
                search = _Search(
                    folder=folder,
                    plan=plan,
                    options=options,
                    space=space,
                    store=store,
                    clock=Clock(folder.timing),
                    cluster=cluster,
                )
                return search.finish(logged)
        except KeyboardInterrupt:
            raise Stopped(f"stopped; resume with: bmbench tune --resume {path}") from None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Search:
    """A search under way."""

    folder: RunDir
    plan: Plan
    options: TuneOptions
    space: Space
    store: Store
    clock: Clock
    cluster: Cluster | None

    def finish(self, progress: Progress) -> Tuning:
        """Make the trials that are missing and write what came of them."""
        if self.cluster is not None:
            for note in self.cluster.check(self.folder.path):
                progress.note(note)
        last = self.options.trials
        rounds = rounds_left(len(self.store.ended()), last, self.options.at_once)
        for numbers in progress.track(rounds, description="Trials", total=len(rounds)):
            self._make(numbers, Within(progress, f"trial {numbers[-1] + 1} of {last}"))
            self.clock.save()
        trials = self.store.ended()
        importance = self.store.importance()
        self._conclude(trials, importance)
        return Tuning(path=self.folder.path, trials=trials, importance=importance, run=self.plan.options)

    def _make(self, numbers: range, progress: Progress) -> None:
        """Make the trials of one round and tell the store what became of them, in their order."""
        round_ = [self.store.ask() for _ in numbers]
        for asked, ended in zip(round_, self._ends(round_, progress), strict=True):
            place = self._place(asked)
            if self.cluster is not None:
                for step, loss in ended.looks:
                    asked.look(step, loss)
            if ended.judged is None:
                asked.give_up(ended.why)
                progress.note(f"given up: {ended.why}")
            else:
                self._record(asked, ended.judged, place)
                progress.note(f"F1 {ended.judged.f1:.3f}")
            shutil.rmtree(place / "unfinished", ignore_errors=True)

    def _ends(self, round_: Sequence[Asked], progress: Progress) -> Iterable[Ended]:
        """What became of each trial."""
        peers = {asked.number: self._peers(asked) for asked in round_}
        if self.cluster is None:
            return (self._make_here(asked, peers[asked.number], progress) for asked in round_)
        from bmbench.benchmark.search.remote import Order, make_together

        orders = [
            Order(
                run=self.plan.options,
                data_hash=self.plan.data_hash,
                settings=asked.settings,
                place=self._place(asked).absolute(),
                decodings=self.options.decodings,
                peers=peers[asked.number],
            )
            for asked in round_
        ]
        return make_together(self.cluster, orders, progress)

    def _make_here(self, asked: Asked, peers: Sequence[Looks], progress: Progress) -> Ended:
        def look(step: int, loss: float) -> None:
            self.clock.save()
            asked.look(step, loss)

        place = self._place(asked)
        return make_trial(
            self.plan,
            asked.settings,
            place=place,
            state=place / "unfinished",
            n_decodings=self.options.decodings,
            peers=peers,
            look=look,
            progress=progress,
        )

    def _place(self, asked: Asked) -> Path:
        return self.folder.path / "trials" / f"{asked.number:03d}"

    def _peers(self, asked: Asked) -> tuple[Looks, ...]:
        """The looks of trials of earlier rounds that may be compared with this one."""
        own = {name: asked.settings.get(name) for name in self.space.yardstick}
        return tuple(
            trial.looks
            for trial in self.store.before(asked.number)
            if trial.value is not None and {name: trial.settings.get(name) for name in own} == own
        )

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
            "schema": SEARCHED,
            "method": self.plan.method.name,
            "profile": self.plan.options.profile,
            "settings": dataclasses.asdict(changed(self.plan.settings, changes)),
            "chosen": {"trial": best.number, "of": len(trials), "f1_optimisation": best.value},
            "data_hash": self.plan.data_hash,
        }
        self.folder.write("settings.json", record)
        if importance:
            from bmbench.benchmark.drawing.figures import draw_importance

            draw_importance(self.folder.path / "importance.png", importance, title=self.plan.name)
        self.clock.save()
        seal(self.folder.path, SEARCH)


def rounds_left(first: int, last: int, at_once: int) -> list[range]:
    """The numbers of the trials that are missing, by rounds; every round begins at a multiple of its size.

    So a search that was killed within a round, or is made longer, has the rounds of one that was not.
    """
    begins = range(first - first % at_once, last, at_once)
    rounds = [range(max(begin, first), min(begin + at_once, last)) for begin in begins]
    return [numbers for numbers in rounds if numbers]


def best_first(trials: Iterable[Trial]) -> list[Trial]:
    """The trials that were judged, the best first: by F1, then by AP, then the earlier."""
    judged = [trial for trial in trials if trial.value is not None]
    return sorted(judged, key=lambda trial: (-(trial.value or 0), -(trial.facts["ap"] or 0), trial.number))
