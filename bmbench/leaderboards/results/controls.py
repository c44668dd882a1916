"""The controls of a board: answers that know everything or nothing, say yes everywhere, or are a rater's."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

import numpy as np

from bmbench.core.types import Floats, GroundTruth, Ints, Predictions, Role
from bmbench.leaderboards.results.score_submission import Judge
from bmbench.metrics.raters import as_answer

JITTER_SHARE = 3 / 55
"""The study's jitter of weak circles, 3 px, as a share of its matching radius, 55 px."""
_GROWTH_SHARE = 1 / 55


def oracle_jitter(bench: Judge) -> Predictions:
    """The truth with the jitter of a weak annotation: about what an annotator's circles would reach."""
    truth, radius = bench.truth, _radius(bench)
    cells = np.flatnonzero(truth.role == Role.CELL)
    box = truth.box[cells]
    centre, size = (box[:, :2] + box[:, 2:]) / 2, (box[:, 2:] - box[:, :2]).max(axis=1, initial=0)
    noise = _normal(len(cells) * 3, seed=bench.manifest.seed).reshape(-1, 3)
    shift = noise[:, :2] * JITTER_SHARE * radius
    grown = size / 2 + np.abs(shift).max(axis=1, initial=0) + noise[:, 2] * _GROWTH_SHARE * radius
    half = np.maximum(grown, 1.0)[:, None]
    moved = centre + shift
    return _predictions(
        truth.image[cells], np.concatenate([moved - half, moved + half], axis=1), 1.0, truth.label[cells]
    )


def blank(bench: Judge) -> Predictions:  # noqa: ARG001
    """No detection at all."""
    return _predictions(np.zeros(0, np.int64), np.zeros((0, 4)), 0.0, np.zeros(0, np.int64))


def dense_grid(bench: Judge) -> Predictions:
    """A box of a cell's size (three matching radii) at every place of a grid."""
    step = 3 * _radius(bench)
    boxes, rows = [], []
    for row, image in enumerate(bench.manifest.images):
        x, y = np.meshgrid(np.arange(0, image.width, step), np.arange(0, image.height, step))
        corner = np.stack([x.ravel(), y.ravel()], axis=1)
        boxes.append(np.concatenate([corner, corner + step], axis=1))
        rows.append(np.full(len(corner), row, np.int64))
    label = next((i for i, c in enumerate(bench.truth.categories) if not c.artefact), 0)
    image_rows = np.concatenate(rows)
    return _predictions(image_rows, np.concatenate(boxes), 0.5, np.full(len(image_rows), label, np.int64))


CONTROLS: Mapping[str, tuple[str, Callable[[Judge], Predictions]]] = MappingProxyType(
    {
        "oracle-jitter": ("oracle_jitter (the truth, jittered)", oracle_jitter),
        "dense-grid": ("dense grid (yes everywhere)", dense_grid),
        "blank": ("blank (no answer)", blank),
    }
)
"""Id → (name on the board, function). `blob_log` needs pixels: it is an ordinary run, see the manifest."""


HUMAN_LINE = "human line: another rater"
"""The name of a further rater of the track on its board."""


def rater_answer(bench: Judge, rater: GroundTruth) -> Predictions:
    """The cells of another rater of the track; a class that the first does not have is its first of cells."""
    answer = as_answer(rater)
    known = bench.truth.categories
    cell = next((row for row, category in enumerate(known) if not category.artefact), 0)
    return replace(answer, label=np.where(answer.label < len(known), answer.label, cell))


def _radius(bench: Judge) -> float:
    return bench.protocol.radius_px or 55.0


def _predictions(image: Ints, box: Floats, confidence: float, label: Ints) -> Predictions:
    centre = (box[:, :2] + box[:, 2:]) / 2
    return Predictions(image=image, xy=centre, box=box, confidence=np.full(len(box), confidence), label=label)


def _normal(n: int, *, seed: int) -> Floats:
    """Normal numbers that are the same everywhere: see `statistics.draws`."""
    from scipy.special import ndtri

    raw = np.random.PCG64(seed).random_raw(n)
    uniform = ((raw >> np.uint64(11)).astype(np.float64) + 0.5) / 2.0**53
    normal: Floats = ndtri(uniform)
    return normal
