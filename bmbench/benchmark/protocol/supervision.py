"""What a method may learn from: the track's supervision and the treatment of artefacts."""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal

import numpy as np

from bmbench.adapters.learning.fit_request import ForegroundCurve
from bmbench.adapters.method import Method
from bmbench.benchmark.protocol.tracks import Track
from bmbench.core.dataset import DatasetCard
from bmbench.core.errors import BadInputError, UnknownNameError
from bmbench.core.types import Annotations, Role, Sample

ArtefactMode = Literal["background", "foreground", "class"]
ARTEFACT_MODES: tuple[ArtefactMode, ...] = ("background", "foreground", "class")


@dataclass(frozen=True, slots=True, kw_only=True)
class Supervision:
    """How the annotations of a training sample are changed before a method sees them.

    `artefacts` is what a method shall learn of cell-like artefacts: that they are background, that they are
    cells, or that they are a class of their own (they then stay in the annotations, with their role).
    `jitter_px` is the standard deviation of a weak circle's centre, in pixels of the data set; None where
    the circles are the experts' own (or points with a stated radius) and nothing is simulated.
    """

    track: Track
    artefacts: ArtefactMode
    jitter_px: float | None
    seed: int

    def view(self, samples: Sequence[Sample]) -> tuple[Sample, ...]:
        """The samples as a method may learn from them."""
        return tuple(self._view(sample) for sample in samples)

    def _view(self, sample: Sample) -> Sample:
        annotations = _treat_artefacts(sample.annotations, mode=self.artefacts)
        if self.jitter_px is not None:
            from bmbench.datasets.weak.simulator import weaken

            annotations = weaken(
                annotations, seed=self.seed, image_id=sample.image_id, jitter_px=self.jitter_px
            )
        return dataclasses.replace(sample, annotations=annotations)


def require_artefact_mode(method: Method, mode: str) -> ArtefactMode:
    """The artefact mode of that name.

    Raises
    ------
    UnknownNameError
        If there is none.
    BadInputError
        If the method cannot learn it.
    """
    found = next((known for known in ARTEFACT_MODES if known == mode), None)
    if found is None:
        raise UnknownNameError("artefact mode", mode, ARTEFACT_MODES)
    if found == "class" and not method.artefact_class:
        raise BadInputError(
            f"{method.name} cannot learn artefacts as a class of their own",
            remedy="use --artefacts background or foreground",
        )
    return found


def supervise(
    card: DatasetCard,
    train: Sequence[Sample],
    *,
    track: Track,
    artefacts: ArtefactMode,
    seed: int,
    jitter_px: float | None = None,
) -> Supervision:
    """The supervision of one run; `jitter_px` None scales the study's 3 px with the size of the cells."""
    if track.supervision != "weak" or card.annotation in ("points", "circles"):
        return Supervision(track=track, artefacts=artefacts, jitter_px=None, seed=seed)
    if jitter_px is None:
        from bmbench.datasets.weak.simulator import scaled_jitter

        jitter_px = scaled_jitter([sample.annotations for sample in train])
    return Supervision(track=track, artefacts=artefacts, jitter_px=jitter_px, seed=seed)


def _treat_artefacts(annotations: Annotations, *, mode: ArtefactMode) -> Annotations:
    """Artefacts left out (`background`), counted as cells (`foreground`) or kept as they are (`class`)."""
    treat: dict[ArtefactMode, Callable[[Annotations], Annotations]] = {
        "background": lambda a: a.take(a.role != Role.ARTEFACT),
        "foreground": lambda a: dataclasses.replace(
            a, role=np.where(a.role == Role.ARTEFACT, int(Role.CELL), a.role)
        ),
        "class": lambda a: a,
    }
    return treat[mode](annotations)


def foreground_curve(
    samples: Sequence[Sample], supervision: Supervision, *, name: str
) -> Callable[[], ForegroundCurve | None]:
    """A function that measures the curve when it is called first, and then remembers it.

    The shapes are the very ones that the method learns from (simulated circles in the weak track); the
    foreground is what the experts drew on the same images. None where they drew no contours.
    """

    @cache
    def measured() -> ForegroundCurve | None:
        from bmbench.adapters.unet.encodings.foreground_curve import measure

        taught = supervision.view(samples)
        drawn = replace(supervision, jitter_px=None).view(samples)
        images = (
            (one.annotations, other.annotations, (one.height, one.width))
            for one, other in zip(taught, drawn, strict=True)
        )
        return measure(images, source=name)

    return measured
