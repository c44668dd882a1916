"""What a method is: a card, settings a profile, and the functions that fit and load a detector."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np

from bmbench.adapters.search_space import Space
from bmbench.core.progress import Progress, Silent
from bmbench.core.types import Annotations, Category, Detections, Pixels, Sample

if TYPE_CHECKING:
    from bmbench.adapters.learning.process_group import Team
    from bmbench.adapters.unet.encodings.foreground_curve import ForegroundCurve

Augment: TypeAlias = Callable[[Pixels, Annotations, int, np.random.Generator], tuple[Pixels, Annotations]]
"""(image, annotations, size, generator) → a randomly cropped, rotated and blurred (size, size, 3) patch
and its annotations, in the patch's pixels."""


Report: TypeAlias = Callable[[int, float | None], None]
"""Told (step, validation loss) at each look. The loss is relative to that of an answer that knows nothing, so
that it means about the same whatever loss is trained; None without validation images. What it raises ends the
fit."""

Decode: TypeAlias = Callable[[Any], Detections]
"""Settings → what a detector that has looked at an image finds with them; only settings that its method's
space calls decoded may differ from those that it was trained with."""


class Detector(Protocol):
    """A fitted method: sees pixels, never annotations.

    It may have an attribute `best_tile_px`: the side of the square pieces of a large image that it answers
    fastest.
    """

    def predict(self, image: Pixels) -> Detections:
        """Every cell of one (height, width, 3) RGB image, at any confidence worth ranking.

        A `label` of 0 says cell, 1 says artefact, whatever classes the data set has: a detector is used on
        other sets than its own. One that was fitted to k classes of cells says 0 … k − 1 for them, in the
        order of `FitRequest.classes`, and k for an artefact.
        """
        ...

    def save(self, folder: Path) -> None:
        """Write everything that `Method.load` needs into an existing folder (safetensors and JSON)."""
        ...


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
        Draws a training patch from an image.
    progress : Progress
        Told about every long loop.
    classes : tuple of Category
        The classes of cells that are to be told apart, two or more: `label` of an annotated cell is a row of
        them. Empty: a cell is a cell, and `label` means nothing. `bmbench.adapters.detection.labels.labels_of` gives
        what a detector shall say in either case.
    foreground_curve : function without arguments
        How likely foreground is at a depth inside the annotated shapes, measured on the training images
        (it takes seconds, so it waits until asked); None where they have no contours to compare with.
    state : folder or None
        Where a fit that takes long keeps what it needs to go on (`bmbench.adapters.learning.resuming`): it begins
        with what it finds there, and ends with the detector of a fit that was never stopped, byte for byte.
    report : Report or None
        Told every look at the validation loss; a fit that goes on repeats the looks of the earlier one.
    team : Team or None
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
    report: Report | None = None
    team: Team | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """A program that a method needs and that no extra installs.

    Attributes
    ----------
    module : what is imported
    command : what installs it
    """

    module: str
    command: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """One row of `bmbench methods`.

    Attributes
    ----------
    name : str
        The one that it is registered under.
    title : str
        What it is, in a few words.
    family : str
        Its kind in one word, as `bmbench methods` and the boards show it.
    paper : str
        The publication: authors, title, where and when.
    settings : profile name → settings
        A frozen dataclass with JSON-able fields for each profile (`quick`, `paper`).
    fit : FitRequest → Detector
    load : folder that `Detector.save` wrote → Detector
    extra : str or None
        The optional dependency group that it needs ("train"), None if the light core is enough.
    beside : Beside or None
        What it needs beside that.
    draw : (FitRequest, file) → nothing, or None
        Draws what the method makes of its annotations into a PNG file.
    artefact_class : bool
        Whether it can learn artefacts as a class of their own: it then finds annotations of the role
        ARTEFACT in what it fits, and detections of the label after the cells' are artefacts.
    cell_classes : bool
        Whether it can tell classes of cells apart (`FitRequest.classes`).
    ensemble : detectors → Detector, or None
        Several fitted detectors as one, whose `save` is `bmbench.adapters.ensemble.save_members`; None if
        the method has no such thing.
    space : profile name → Space
        Where `bmbench tune` looks for better settings; empty if there is nothing to look for.
    look : (detector, image) → Decode, or None
        The costly half of `predict`, done once; None if the method has no settings to decode with.
    """

    name: str
    title: str
    family: str
    paper: str
    settings: Mapping[str, Any]
    fit: Callable[[FitRequest], Detector]
    load: Callable[[Path], Detector]
    extra: str | None = None
    beside: Beside | None = None
    draw: Callable[[FitRequest, Path], None] | None = None
    artefact_class: bool = False
    cell_classes: bool = False
    ensemble: Callable[[Sequence[Detector]], Detector] | None = None
    space: Mapping[str, Space] = field(default_factory=dict)
    look: Callable[[Any, Pixels], Decode] | None = None
