"""What a method is given to fit, and what a training reads of its settings."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from bmbench.adapters.images.augment import Augment
from bmbench.adapters.learning.process_group import ProcessGroup
from bmbench.core.progress import Progress, Silent
from bmbench.core.types import Category, Sample


class TrainingReport(Protocol):
    """Told how a training stands, at each validation; what it raises ends the fit."""

    def __call__(
        self,
        step: int,
        loss: float | None,
        *,
        training_loss: float | None = None,
        learning_rate: float | None = None,
    ) -> None:
        """A validation after that many steps.

        Parameters
        ----------
        loss : float or None
            Of the validation images, relative to that of an answer that knows nothing, so that it means about
            the same whatever loss is trained; None without validation images.
        training_loss : float, optional
            Mean loss of the steps since the last validation, in the same unit where there is one.
        learning_rate : float, optional
            Of the last step.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ForegroundCurve:
    """P(foreground | normalised depth) as a line through the middles of equal bins, flat beyond them.

    Attributes
    ----------
    probability : tuple of n floats in [0, 1], never falling
        At depths 1/2n, 3/2n, … (2n − 1)/2n, where 0 is the outline of a shape and 1 its deepest pixel.
    source : str
        What it was measured on.
    """

    probability: tuple[float, ...]
    source: str

    def __post_init__(self) -> None:
        values = np.array(self.probability)
        if not (len(values) and (values >= 0).all() and (values <= 1).all() and (np.diff(values) >= 0).all()):
            raise ValueError("a foreground curve holds probabilities that never fall")

    def __call__(self, depth: NDArray[np.float32]) -> NDArray[np.float32]:
        """The probabilities at these normalised depths, of the same shape."""
        middles = (np.arange(len(self.probability)) + 0.5) / len(self.probability)
        return np.interp(depth, middles, self.probability).astype(np.float32)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FitRequest:
    """Everything a method may use to fit.

    Attributes
    ----------
    train : samples
        To learn from. In the weak track their annotations hold circles and no contours.
    validation : samples
        To stop on; annotated like `train`.
    settings : dataclass
        One of the method's own settings records.
    seed : int
        The same seed gives the same detector, byte for byte, on the same machine.
    augment : Augment
        Draws a training patch from an image. (Encodings of U-Nets use its parts, for their levels turn too.)
    progress : Progress
        Told about every long loop.
    classes : tuple of Category
        The classes of cells that are to be told apart, two or more: `label` of an annotated cell is a row of
        them. Empty: a cell is a cell, and `label` means nothing. What a detector shall say in either case is
        said by `Detector.predict`; `bmbench.adapters.detection.labels.labels_of` computes it.
    foreground_curve : function without arguments
        How likely foreground is at a depth inside the annotated shapes, measured on the training images
        (it takes seconds, so it waits until asked); None where they have no contours to compare with.
    state : folder or None
        Where a fit that takes long keeps what it needs to go on (`bmbench.adapters.learning.training_state`):
        it begins with what it finds there, and ends with the detector of a fit that was never stopped, byte
        for byte.
    start : folder or None
        A saved detector of the same method and architecture (`Method.architecture`), whose weights the
        training begins with; None: with fresh ones.
    report : TrainingReport or None
        Told every validation; a fit that goes on repeats the validations of the earlier one.
    process_group : ProcessGroup or None
        The processes that fit this together, each with the same request; None: this one alone.
    """

    train: Sequence[Sample]
    validation: Sequence[Sample]
    settings: Any
    seed: int
    augment: Augment
    progress: Progress = field(default_factory=Silent)
    classes: tuple[Category, ...] = ()
    foreground_curve: Callable[[], ForegroundCurve | None] = lambda: None
    state: Path | None = None
    start: Path | None = None
    report: TrainingReport | None = None
    process_group: ProcessGroup | None = None


class Budget(Protocol):
    """The settings that a training reads; every family's record has them and says what they are."""

    @property
    def steps(self) -> int:
        """Training ends here at the latest."""
        ...

    @property
    def batch(self) -> int:
        """Patches a step."""
        ...

    @property
    def shard(self) -> int:
        """Patches that are computed together."""
        ...

    @property
    def optimiser(self) -> str:
        """One of adamw, adam, sgd."""
        ...

    @property
    def learning_rate(self) -> float:
        """The highest: it rises over the first tenth of the steps and falls to zero along a cosine."""
        ...

    @property
    def weight_decay(self) -> float:
        """Of the optimiser."""
        ...

    @property
    def momentum(self) -> float:
        """Of plain gradient descent."""
        ...

    @property
    def averaging(self) -> float:
        """Decay of the moving average of the weights that is validated and kept; 0 for none."""
        ...

    @property
    def validate_every(self) -> int:
        """Steps from one validation to the next."""
        ...

    @property
    def patience(self) -> int:
        """Validations without improvement before training ends."""
        ...


def shards_of(budget: Budget) -> Sequence[range]:
    """The numbers of the patches of a step that are computed together."""
    size, batch = budget.shard, budget.batch
    return [range(first, min(first + size, batch)) for first in range(0, batch, size)]
