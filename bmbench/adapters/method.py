"""What a method is: a card, settings a profile, and the functions that fit and load a detector."""

import importlib.util
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from bmbench.adapters.learning.fit_request import FitRequest
from bmbench.adapters.search_space import Space
from bmbench.core.errors import MissingExtraError
from bmbench.core.types import Detections, Pixels

Decode: TypeAlias = Callable[[Any], Detections]
"""Settings → the detections that they give of an image that the networks have seen; only settings that the
method's search space calls decoded may differ from those that it was trained with."""


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
class Licence:
    """Under which terms the code stands that makes a network.

    Attributes
    ----------
    name : str
        As SPDX writes it: "Apache-2.0".
    package : str
        Whose code it is, as `pip` calls it.
    """

    name: str
    package: str


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
        A frozen dataclass with JSON-able fields for each profile: `quick` and `paper`, and `standard` where
        there is a recipe between them.
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
    needs_classes : bool
        Whether a run of it without classes would be that of another method.
    outlines : bool
        Whether it can answer with outlines.
    points : bool
        Whether it is suited to points that were drawn as circles of one size, whose overlaps mean nothing.
    licence : Licence or None
        Of the package that makes its network; None if that is not stated.
    parameters : profile name → number
        How many numbers its network learns, of one class of cells; empty where that is not stated.
    ensemble : detectors → Detector, or None
        Several fitted detectors as one, whose `save` is `bmbench.adapters.ensemble.save_members`; None if
        the method has no such thing.
    space : profile name → Space
        Where `bmbench tune` looks for better settings; empty if there is nothing to look for.
    architecture : names of settings, or None
        Those that a network's weights depend on: a training that begins with the weights of another one has
        the same values of them (`FitRequest.start`). None if the method's trainings cannot begin so.
    infer : (detector, image) → Decode, or None
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
    needs_classes: bool = False
    outlines: bool = False
    points: bool = False
    licence: Licence | None = None
    parameters: Mapping[str, int] = field(default_factory=dict)
    ensemble: Callable[[Sequence[Detector]], Detector] | None = None
    space: Mapping[str, Space] = field(default_factory=dict)
    architecture: tuple[str, ...] | None = None
    infer: Callable[[Any, Pixels], Decode] | None = None


_PROBE = {
    "train": "torch",
    "yolo": "ultralytics",
    "detr": "transformers",
    "encoders": "timm",
    "cluster": "distributed",
}
"""The module whose presence tells that an extra is installed."""


def is_installed(method: Method) -> bool:
    """Whether the optional dependencies of a method are there."""
    return _has_extra(method) and _has_beside(method)


def require_installed(method: Method, settings: Any = None) -> None:
    """Nothing, or a MissingExtraError with the command that installs what the method needs, so set."""
    encoder = getattr(settings, "encoder", "none")
    if encoder != "none" and importlib.util.find_spec(_PROBE["encoders"]) is None:
        raise MissingExtraError(f"timm, which --set encoder={encoder} needs,", extra="encoders")
    if method.extra is not None and not _has_extra(method):
        raise MissingExtraError(f"{_PROBE[method.extra]}, which {method.name} needs,", extra=method.extra)
    if method.beside is not None and not _has_beside(method):
        what = f"{method.beside.module}, which {method.name} needs,"
        raise MissingExtraError(what, command=method.beside.command)


def _has_extra(method: Method) -> bool:
    return method.extra is None or importlib.util.find_spec(_PROBE[method.extra]) is not None


def _has_beside(method: Method) -> bool:
    return method.beside is None or importlib.util.find_spec(method.beside.module) is not None
