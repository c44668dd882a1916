"""One trial of a search: train on train, stop on validation, judge on optimisation."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from bmbench.adapters.learning.fit_request import TrainingReport
from bmbench.adapters.method import Detector
from bmbench.adapters.search_space import Space
from bmbench.benchmark.run.decodings import Judged, changed, decodings, judge
from bmbench.benchmark.run.plan import Plan
from bmbench.benchmark.run.stages import fit
from bmbench.core.errors import TrainingFailedError
from bmbench.core.progress import Progress

Looks = tuple[tuple[int, float], ...]
_PEERS = 4
"""Fewest trials that a trial is compared with before it is given up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What became of a trial: how it was judged, or why it was given up; and its looks."""

    judged: Judged | None = None
    why: str = ""
    looks: Looks = ()


class _GivenUpError(Exception):
    """A training is not worth going on with."""


def make_trial(
    plan: Plan,
    drawn: Mapping[str, Any],
    *,
    place: Path,
    state: Path,
    n_decodings: int,
    peers: Sequence[Looks],
    look: Callable[[int, float], None],
    progress: Progress,
) -> Ended:
    """Train with what was drawn and judge it; given up where it does worse than its `peers` did, or diverges.

    `look` is told every look at the validation loss. Files of the judgement are left in `place`, what a
    killed training needs to go on in `state`.
    """
    settings, looks = changed(plan.settings, drawn), list[tuple[int, float]]()

    def report(step: int, loss: float | None, **_: float | None) -> None:
        if loss is None:
            return
        looks.append((step, loss))
        look(step, loss)
        if is_hopeless(tuple(looks), peers):
            raise _GivenUpError(f"relative validation loss {loss:.3f} at step {step}, worse than most")

    try:
        detector = train(plan, settings, state=state, report=report, progress=progress)
        ways = decodings(searched(plan).decoded, n_decodings, seed=plan.options.seed)
        return Ended(judged=judge(plan, detector, settings, ways, place), looks=tuple(looks))
    except (_GivenUpError, TrainingFailedError) as reason:
        return Ended(why=str(reason), looks=tuple(looks))


def searched(plan: Plan) -> Space:
    """The method's space, without what the options fix, and without the depth of a network on an encoder.

    Which levels an encoder has is the encoder's.
    """
    whole = plan.method.space.get(plan.options.profile, Space(learned={}))
    own = () if getattr(plan.settings, "encoder", "none") == "none" else ("depth",)
    fixed = {*plan.options.settings, *own}
    return dataclasses.replace(
        whole,
        learned={name: kind for name, kind in whole.learned.items() if name not in fixed},
        decoded={name: kind for name, kind in whole.decoded.items() if name not in fixed},
    )


def train(
    plan: Plan, settings: Any, *, state: Path, report: TrainingReport | None, progress: Progress
) -> Detector:
    """The plan's method with these settings, fitted to the training images."""
    samples = plan.split.samples
    return fit(
        dataclasses.replace(plan, settings=settings),
        samples["train"],
        samples["validation"],
        progress=progress,
        state=state,
        report=report,
    )


def is_hopeless(looks: Looks, peers: Sequence[Looks]) -> bool:
    """Whether a training's best validation loss so far is worse than the median of its peers' by then.

    Never in the first quarter of the usual number of looks, nor with fewer than four peers.
    """
    if len(peers) < _PEERS or 4 * len(looks) < median(len(peer) for peer in peers):
        return False
    step = looks[-1][0]
    theirs = [min((loss for at, loss in peer if at <= step), default=float("inf")) for peer in peers]
    return min(loss for _, loss in looks) > median(theirs)
