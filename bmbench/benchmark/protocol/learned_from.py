"""What a run says of itself before it begins: what it learns from, and where split and groups come from."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bmbench.benchmark.protocol.supervision import Supervision
from bmbench.core.dataset import Split
from bmbench.core.types import Annotations, Role, Sample
from bmbench.present.words import listed, many

SHAPES = ("outlines", "circles", "boxes", "points")
"""What may be drawn around a cell, the most exact first; an object with several is learned by the first."""
FEW_GROUPS = 5
"""Patients or slides below which a test says little of other ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """What the training images teach.

    Attributes
    ----------
    shapes : shape → objects
        Of the objects that are learned as cells (and as artefacts, where these are a class), by `SHAPES`.
    left_out : kind → objects
        What is annotated and not learned as a cell.
    images : int
    jitter_px : float or None
        Of simulated circles; None where nothing is simulated.
    """

    shapes: dict[str, int]
    left_out: dict[str, int]
    images: int
    jitter_px: float | None

    def __str__(self) -> str:
        """The words for the line that a run prints."""
        there = {shape: number for shape, number in self.shapes.items() if number}
        if self.jitter_px is None:
            what = listed([_counted(number, shape) for shape, number in there.items()] or ["no cell"])
            how = "as drawn"
        else:
            what = many(sum(there.values()), "circle")
            how = f"simulated from {listed(list(there) or ['nothing'])} (jitter {self.jitter_px:.2f} px)"
        left = ", ".join(f"{number:,} {kind}" for kind, number in self.left_out.items() if number)
        return f"{what} on {many(self.images, 'image')}, {how}" + (f"; left out: {left}" if left else "")


def learned_from(samples: Sequence[Sample], supervision: Supervision) -> Learned:
    """What a method learns from these training images under that supervision."""
    shapes: Counter[str] = Counter()
    roles: Counter[Role] = Counter()
    for sample in samples:
        annotations = sample.annotations
        roles.update(Role(role) for role in annotations.role.tolist())
        wanted = annotations.role == Role.CELL
        if supervision.artefacts != "background":
            wanted |= annotations.role == Role.ARTEFACT
        shapes.update(_shapes(annotations.take(wanted)))
    artefacts = roles[Role.ARTEFACT] if supervision.artefacts == "background" else 0
    return Learned(
        shapes={shape: shapes[shape] for shape in SHAPES},
        left_out={"artefacts (background)": artefacts, "ignored objects": roles[Role.IGNORE]},
        images=len(samples),
        jitter_px=supervision.jitter_px,
    )


def annotated_part(samples: Sequence[Sample], share: float, *, seed: int) -> tuple[Sample, ...]:
    """So large a share of the images, one at least, in their own order: what somebody has annotated so far.

    The order in which images are annotated is drawn by the seed, one of each group (patient, slide) in turn.
    So a smaller share lies within a larger one of the same seed.
    """
    drawn = np.random.default_rng([seed, 26]).permutation(len(samples)).tolist()
    turn: Counter[str] = Counter()
    place = {}
    for row in drawn:
        place[row] = turn[samples[row].group]
        turn[samples[row].group] += 1
    order = sorted(drawn, key=lambda row: place[row])
    kept = sorted(order[: n_annotated(len(samples), share)])
    return tuple(samples[row] for row in kept)


def n_annotated(images: int, share: float) -> int:
    """How many images such a share is."""
    return max(1, round(share * images))


def run_line(learned: Learned, split: Split) -> str:
    """One line: what is learned, where the subsets and the groups come from."""
    source = split.split_from or "the data set's own"
    return f"learned from {learned}; split: {source}; groups: {_groups(split)}"


def caution(split: Split) -> str:
    """What the numbers of a run on so few groups cannot say; an empty text where there are enough."""
    test = split.samples["test"]
    number = len({sample.group for sample in test})
    if number >= FEW_GROUPS:
        return ""
    if number == 1:
        unit, which = "image" if _ungrouped(test) else "group (patient or slide)", "this one"
    else:
        unit, which = "images" if _ungrouped(test) else "groups (patients or slides)", "these"
    tested = "tested on" if _ungrouped(test) else "the test images are of"
    return (
        f"{tested} {number} {unit}: the scores say how the method does on {which}, "
        "and little of how others differ"
    )


def _counted(number: int, shape: str) -> str:
    return f"{number:,} {'box' if shape == 'boxes' else shape[:-1]}" if number == 1 else f"{number:,} {shape}"


def _shapes(annotations: Annotations) -> list[str]:
    found = []
    for row, rings in enumerate(annotations.contour):
        low, high = annotations.box[row].reshape(2, 2)
        extent = bool((high > low).all())
        kinds = (bool(rings), annotations.circle[row, 2] > 0, extent)
        found.append(next((shape for shape, has in zip(SHAPES, kinds, strict=False) if has), SHAPES[-1]))
    return found


def _groups(split: Split) -> str:
    samples = [sample for part in split.samples.values() for sample in part]
    if _ungrouped(samples):
        return "none stated, every image counts as one"
    return f"{len({sample.group for sample in samples})} patients or slides"


def _ungrouped(samples: Sequence[Sample]) -> bool:
    """Whether every image is a group of its own: nobody has said which belong together."""
    return len({sample.group for sample in samples}) == len(samples)
