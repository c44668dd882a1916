"""Ways to decode what a detector sees, and the best of them by the optimisation images."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bmbench.adapters.method import Detector
from bmbench.adapters.search_space import Choice, Range, Whole
from bmbench.benchmark.protocol.classes import as_classes_of
from bmbench.benchmark.run.plan import Plan
from bmbench.core.errors import BadInputError
from bmbench.core.types import Detections


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


def _look(plan: Plan, detector: Detector, image: Any) -> Callable[[Any], Detections]:
    if plan.method.infer is not None:
        return plan.method.infer(detector, image)
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
    scores = evaluate_files(path, truth, plan.protocol, threshold=None, intervals=False).cd
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
