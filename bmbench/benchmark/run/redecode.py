"""`bmbench redecode`: what a run's networks see, made into cells with other settings, without training again.

Training does not depend on how a map is cut, or on how boxes are merged. So the new run directory is that of
a run which had these settings from its beginning, to the byte where the versions are the same.
"""

import dataclasses
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bmbench.adapters import METHODS
from bmbench.adapters.ensemble import load_detector
from bmbench.adapters.method import Detector
from bmbench.adapters.search_space import Space
from bmbench.benchmark.records.environment import describe_environment
from bmbench.benchmark.records.options import resolve_settings
from bmbench.benchmark.records.run_folder import RunDir
from bmbench.benchmark.records.seal import require_as_sealed
from bmbench.benchmark.run.begin_or_resume import finish, options_of, records, short
from bmbench.benchmark.run.decodings import decodings, judge
from bmbench.benchmark.run.plan import Plan, config, resolve
from bmbench.benchmark.run.stages import save_whole
from bmbench.core.errors import BadInputError
from bmbench.core.progress import Progress

_MAY_DIFFER = ("settings", "options", "test_on")
"""Of the configuration: what says nothing of the training, or is looked at by itself."""


def redecode(
    run: Path, out: Path, progress: Progress, *, settings: Mapping[str, str], n_decodings: int = 0
) -> RunDir:
    """A new run in `out` with the networks of a finished one.

    With `n_decodings`, that many ways to decode are drawn, as `bmbench tune` draws them, and the best one by
    F1 (CD) on the optimisation images is taken; what `settings` says is not drawn.

    Raises
    ------
    BadInputError
        If the folder holds no finished run, or one that was changed since, a setting is one that has to be
        learned, the data are no longer those that it learned from, or its threshold was chosen by networks
        that are not kept (``retrain``).
    """
    old = RunDir.open(run)
    before = options_of(old)
    require_as_sealed(old.check_seal("checkpoint/*", "*.json"))
    options = dataclasses.replace(before, settings={**before.settings, **settings}, test_on=(), out=out)
    plan = resolve(options.settled(), progress)
    _refuse(plan, old, settings)
    detector = load_detector(plan.method, old.checkpoint)
    if n_decodings:
        plan = _best(plan, detector, _space(plan).decoded, settings, n_decodings)
    environment = describe_environment() | {"trained": _environment(old)}
    folder = RunDir.create(out, plan.name, records(plan) | {"environment.json": environment})
    save_whole(_with_settings(plan, detector), folder.checkpoint)
    return finish(folder, plan, progress)


def changed_settings(old: RunDir, new: RunDir) -> str:
    """What the new run cuts or merges otherwise, in words: "Settings: rise 0.2 → 0.15".

    A setting that there was not yet when the old run was made is named only if it was asked for.
    """
    before, config = old.config().settings, new.config()
    asked = config.options.get("settings", {})
    changed = [
        f"{name} {before.get(name)} → {value}"
        for name, value in config.settings.items()
        if (name in before or name in asked) and value != before.get(name)
    ]
    return f"Settings: {', '.join(changed)}" if changed else "Settings: as they were"


def _refuse(plan: Plan, old: RunDir, settings: Mapping[str, str]) -> None:
    base, stage = METHODS.parts(plan.method.name)
    if stage:
        raise BadInputError(
            f"{plan.method.name}: a run with a second stage is not decoded anew",
            remedy=f"redecode a run of {base}, and train the second stage with the settings it finds",
        )
    space = _space(plan)
    decoded = (*space.decoded, *space.applied)
    learned = sorted(settings.keys() - set(decoded))
    if learned:
        raise BadInputError(
            f"--set {learned[0]}: {plan.method.name} has to be trained for it",
            expected=f"one of {', '.join(decoded)}" if decoded else "no setting: nothing of it is decoded",
            remedy="use bmbench run",
        )
    if plan.profile.retrain:
        raise BadInputError(
            "chose its threshold with networks that were trained again afterwards, and are not kept",
            where=str(old.path),
            remedy="train with --no-retrain, or use bmbench run with the new settings",
        )
    then, now = old.read("config.json"), config(plan)
    for name in sorted((then.keys() | now.keys()) - set(_MAY_DIFFER)):
        if then.get(name) != now.get(name):
            raise BadInputError(
                f"was trained with another {name}",
                where=str(old.path / "config.json"),
                expected=short(then.get(name)),
                got=short(now.get(name)),
                remedy="restore it, or train anew",
            )


def _environment(old: RunDir) -> dict[str, Any]:
    old.environment()
    return old.read("environment.json")


def _space(plan: Plan) -> Space:
    """Which of the method's settings need training, and which do not."""
    return plan.method.space.get(plan.options.profile, Space(learned={}))


def _best(
    plan: Plan, detector: Detector, space: Mapping[str, Any], fixed: Mapping[str, str], number: int
) -> Plan:
    """The plan with the best of `number` ways to decode, and of the one that it has."""
    if not plan.split.samples["optimisation"]:
        raise BadInputError("--decodings: the data set has no optimisation images", remedy="use --set")
    ways = decodings(
        {name: kind for name, kind in space.items() if name not in fixed}, number, seed=plan.options.seed
    )
    with tempfile.TemporaryDirectory() as folder:
        best = judge(plan, detector, plan.settings, ways, Path(folder))
    texts = {**plan.options.settings, **{name: str(value) for name, value in best.decoded.items()}}
    options = dataclasses.replace(plan.options, settings=texts)
    return dataclasses.replace(
        plan, options=options, settings=resolve_settings(plan.method, options.profile, texts)
    )


def _with_settings(plan: Plan, detector: Any) -> Detector:
    """The detector, every member of an ensemble, with the plan's settings."""
    members = getattr(detector, "members", None)
    if members is None or plan.method.ensemble is None:
        return dataclasses.replace(detector, settings=plan.settings)  # type: ignore[no-any-return]
    return plan.method.ensemble([dataclasses.replace(one, settings=plan.settings) for one in members])
