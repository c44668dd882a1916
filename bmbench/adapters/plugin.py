"""Methods of other packages: looked over when they are loaded, and watched while they work.

What such a method raises, or answers in another shape than `Detector.predict` promises, is one sentence that
names the method and its package; the rest of bmbench need not know where a method comes from.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bmbench.adapters.learning.fit_request import FitRequest
from bmbench.adapters.method import Decode, Detector, Method
from bmbench.core.errors import BmbenchError, RunFailedError
from bmbench.core.plugins import Origin, PluginError, first_line
from bmbench.core.types import Detections, Pixels

PROFILES = ("quick", "paper")
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,59}", re.IGNORECASE)


def adopt_method(entry: Any, name: str, origin: Origin) -> Method:
    """The method of another package as bmbench uses it.

    Raises
    ------
    PluginError
        If it is none, has another name than the one that it is offered under, or lacks a profile.
    """
    said = f"the method {name!r}" + (f" of {origin.who}" if origin.package else "")
    if not isinstance(entry, Method):
        raise PluginError(
            f"{said} is no Method",
            got=type(entry).__name__,
            remedy="make one with bmbench.Method or bmbench.method_from",
        )
    if ":" not in name and entry.name != name:
        raise PluginError(
            f"{said} calls itself {entry.name!r}", remedy="give it and its entry point one name"
        )
    if not _NAME.fullmatch(entry.name):
        got = repr(entry.name)
        raise PluginError(
            f"{said} has a name that no folder can have", expected="letters, digits, _ -", got=got
        )
    missing = [profile for profile in PROFILES if profile not in entry.settings]
    if missing:
        raise PluginError(
            f"{said} has no settings for the profile {missing[0]!r}", expected="quick and paper"
        )
    for profile, settings in entry.settings.items():
        if not dataclasses.is_dataclass(settings) or isinstance(settings, type):
            raise PluginError(
                f"{said} has settings for {profile!r} that are no record",
                expected="an object of a frozen dataclass",
                got=type(settings).__name__,
            )
    return _watched(entry, Watched(said, origin.place))


@dataclass(frozen=True, slots=True)
class Watched:
    """A method of another package in a sentence, and the place of its code."""

    said: str
    place: str


@dataclass(frozen=True, slots=True, eq=False)
class WatchedDetector:
    """A detector of another package whose answers are looked over.

    Attributes
    ----------
    inner : Detector
    who : Watched
    """

    inner: Any
    who: Watched

    def predict(self, image: Pixels) -> Detections:
        """What the detector answers, its columns in the types that bmbench uses."""
        with blamed(self.who, "predict"):
            found = self.inner.predict(image)
        return looked_over(found, said=self.who.said)

    def save(self, folder: Path) -> None:
        """What the detector's own does."""
        with blamed(self.who, "save"):
            self.inner.save(folder)

    @property
    def best_tile_px(self) -> int:
        """That of the detector, if it has any."""
        side: int = self.inner.best_tile_px
        return side


def looked_over(found: Any, *, said: str) -> Detections:
    """Detections with columns of the right types; RunFailedError for what cannot be one.

    Boxes that reach beyond the image are allowed: what a method says of a cell at the border is its affair.
    """
    if not isinstance(found, Detections):
        raise RunFailedError(f"{said}: predict answered with {_shape(found)}, expected Detections")
    n, columns = len(found.xy), dict[str, Any]()
    shapes = {"xy": (n, 2), "box": (n, 4), "confidence": (n,), "label": (n,)}
    for name, shape in shapes.items():
        try:
            kind = np.int64 if name == "label" else np.float64
            columns[name] = np.asarray(getattr(found, name), kind)
        except (TypeError, ValueError):
            got = _shape(getattr(found, name))
            raise RunFailedError(
                f"{said}: predict answered with {name} that are no numbers ({got})"
            ) from None
        if columns[name].shape != shape:
            got = columns[name].shape
            raise RunFailedError(f"{said}: predict answered with {name} of shape {got}, expected {shape}")
        if name != "label" and not np.isfinite(columns[name]).all():
            raise RunFailedError(f"{said}: predict answered with {name} that are not finite")
    if ((columns["confidence"] < 0) | (columns["confidence"] > 1)).any():
        low, high = columns["confidence"].min(), columns["confidence"].max()
        raise RunFailedError(
            f"{said}: predict answered with confidences from {low:g} to {high:g}, expected 0 to 1"
        )
    if (columns["box"][:, 2:] < columns["box"][:, :2]).any():
        raise RunFailedError(f"{said}: predict answered with a box that ends before it starts (x0 y0 x1 y1)")
    if (columns["label"] < 0).any():
        raise RunFailedError(f"{said}: predict answered with a label below 0")
    return dataclasses.replace(found, **columns)


@contextmanager
def blamed(who: Watched, what: str, *, ours: Sequence[BaseException] = ()) -> Iterator[None]:
    """Turn what other code raises into one sentence that names it; errors of bmbench and `ours` pass."""
    try:
        yield
    except BmbenchError:
        raise
    except Exception as error:
        if any(error is own for own in ours):
            raise
        raise RunFailedError(f"{who.said} failed in {what} ({first_line(error, who.place)})") from error


def _watched(method: Method, who: Watched) -> Method:
    """The same method; what it raises and answers is looked over."""

    def fit(request: FitRequest) -> Detector:
        told = list[BaseException]()
        with blamed(who, "fit", ours=told):
            return _watch(method.fit(_listening(request, told)), "fit")

    def load(folder: Path) -> Detector:
        with blamed(who, "load"):
            return _watch(method.load(folder), "load")

    def _call(function: Callable[..., Any], *arguments: Any) -> Any:
        with blamed(who, getattr(function, "__name__", "a function")):
            return function(*arguments)

    def _decoding(decode: Decode) -> Decode:
        return lambda settings: looked_over(_call(decode, settings), said=who.said)

    def _watch(detector: Any, what: str) -> Detector:
        lacking = [name for name in ("predict", "save") if not callable(getattr(detector, name, None))]
        if lacking:
            got = type(detector).__name__
            raise RunFailedError(f"{who.said}: {what} gave a {got} without a function {lacking[0]!r}")
        return WatchedDetector(detector, who)

    more: dict[str, Any] = {}
    if (join := method.ensemble) is not None:
        more["ensemble"] = lambda detectors: _watch(
            _call(join, [_inner(one) for one in detectors]), "ensemble"
        )
    if (picture := method.draw) is not None:
        more["draw"] = lambda request, path: _call(picture, request, path)
    if (look := method.infer) is not None:
        more["infer"] = lambda detector, image: _decoding(_call(look, _inner(detector), image))
    return dataclasses.replace(method, fit=fit, load=load, **more)


def _listening(request: FitRequest, told: list[BaseException]) -> FitRequest:
    """The request, whose report keeps what it raises: that is no fault of the method."""
    report = request.report
    if report is None:
        return request

    def kept(*facts: Any, **more: Any) -> None:
        try:
            report(*facts, **more)
        except BaseException as error:
            told.append(error)
            raise

    return dataclasses.replace(request, report=kept)


def _inner(detector: Any) -> Any:
    return detector.inner if isinstance(detector, WatchedDetector) else detector


def _shape(value: Any) -> str:
    shape = getattr(value, "shape", None)
    return type(value).__name__ if shape is None else f"a {type(value).__name__} of shape {tuple(shape)}"
