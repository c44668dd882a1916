"""One trial of a search: train on train, stop on validation, judge on optimisation."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np

from bmbench.adapters.space import Choice, Space, Whole
from bmbench.benchmark.protocol.label_mapping import as_classes_of
from bmbench.benchmark.run.stages import fit
from bmbench.core.errors import BadInputError, TrainingFailedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from bmbench.adapters.method import Detector, Report
    from bmbench.adapters.space import Range
    from bmbench.benchmark.run.plan import Plan
    from bmbench.core.progress import Progress
    from bmbench.core.types import Detections

Looks = tuple[tuple[int, float], ...]
_PEERS = 4
"""Fewest trials that a trial is compared with before it is given up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """The best that one training came to.

    Attributes
    ----------
    f1 : float
        F1 (CD) on the optimisation images at the best threshold; 0 where it is undefined.
    ap : float or None
    threshold : float or None
    decoded : mapping
        The settings of the decoding that it was reached with.
    """

    f1: float
    ap: float | None
    threshold: float | None
    decoded: Mapping[str, Any]


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

    def report(step: int, loss: float | None) -> None:
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
    """The method's space, without what the options fix."""
    whole = plan.method.space.get(plan.options.profile, Space(learned={}))
    fixed = plan.options.settings
    return dataclasses.replace(
        whole,
        learned={name: kind for name, kind in whole.learned.items() if name not in fixed},
        decoded={name: kind for name, kind in whole.decoded.items() if name not in fixed},
    )


def train(plan: Plan, settings: Any, *, state: Path, report: Report | None, progress: Progress) -> Detector:
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


def changed(settings: Any, changes: Mapping[str, Any]) -> Any:
    """The settings with changes; BadInputError for ones that do not go together."""
    try:
        return dataclasses.replace(settings, **changes)
    except ValueError as error:
        raise BadInputError(f"settings that cannot be tried: {error}") from None


def decodings(space: Mapping[str, Range], number: int, *, seed: int) -> tuple[dict[str, Any], ...]:
    """Ways to decode, the same for every trial: none changed, then `number` drawn at random."""
    generator = np.random.default_rng([seed, len(space)])
    drawn = ({name: _draw(kind, generator) for name, kind in space.items()} for _ in range(number))
    return ({}, *(drawn if space else ()))


def judge(
    plan: Plan, detector: Detector, settings: Any, ways: Sequence[Mapping[str, Any]], folder: Path
) -> Judged:
    """The best of several ways to decode what the detector sees on the optimisation images.

    The predictions of that one, and the truth, are left in the folder. Of equal F1 the larger
    AP counts, then the first.
    """
    from bmbench.datasets.formats.coco.samples import write_coco

    split = plan.split
    samples = split.samples["optimisation"]
    truth = folder / "truth.json"
    write_coco(truth, samples, split.categories)
    looks = {sample.image_id: _look(plan, detector, sample.load()) for sample in samples}
    best: Judged | None = None
    for way in ways:
        tried = changed(settings, way)
        found = {image_id: look(tried) for image_id, look in looks.items()}
        judged = _score(plan, found, truth, folder / "tried.json", way)
        if best is None or (judged.f1, judged.ap or 0.0) > (best.f1, best.ap or 0.0):
            best = judged
            (folder / "tried.json").replace(folder / "predictions.json")
    (folder / "tried.json").unlink(missing_ok=True)
    if best is None:
        raise ValueError("no way to decode")
    return best


def is_hopeless(looks: Looks, peers: Sequence[Looks]) -> bool:
    """Whether a training's best validation loss so far is worse than the median of its peers' by then.

    Never in the first quarter of the usual number of looks, nor with fewer than four peers.
    """
    if len(peers) < _PEERS or 4 * len(looks) < median(len(peer) for peer in peers):
        return False
    step = looks[-1][0]
    theirs = [min((loss for at, loss in peer if at <= step), default=float("inf")) for peer in peers]
    return min(loss for _, loss in looks) > median(theirs)


def _look(plan: Plan, detector: Detector, image: Any) -> Callable[[Any], Detections]:
    if plan.method.look is not None:
        return plan.method.look(detector, image)
    found = detector.predict(image)
    return lambda _: found


def _score(
    plan: Plan, found: Mapping[Any, Detections], truth: Path, path: Path, way: Mapping[str, Any]
) -> Judged:
    from bmbench.benchmark.scoring.score_files import evaluate_files
    from bmbench.datasets.formats.predictions import write_predictions

    categories = plan.split.categories
    answers = {
        image_id: as_classes_of(categories, one, plan.label_classes) for image_id, one in found.items()
    }
    write_predictions(path, answers, categories)
    scores = evaluate_files(path, truth, plan.protocol, threshold=None, bootstrap=0).cd
    if scores is None or scores.f1 is None:
        return Judged(f1=0.0, ap=None, threshold=None, decoded=dict(way))
    return Judged(f1=scores.f1, ap=scores.ap, threshold=scores.threshold, decoded=dict(way))


def _draw(kind: Range, generator: np.random.Generator) -> Any:
    if isinstance(kind, Choice):
        return kind.options[generator.integers(len(kind.options))]
    if isinstance(kind, Whole):
        return int(generator.integers(kind.low, kind.high + 1))
    if kind.log:
        return float(np.exp(generator.uniform(np.log(kind.low), np.log(kind.high))))
    return float(generator.uniform(kind.low, kind.high))
