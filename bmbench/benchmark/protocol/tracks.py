"""The questions that methods are compared on."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from bmbench.core.errors import UnknownNameError


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """What a method may learn from; any change is a new version.

    Attributes
    ----------
    supervision : "precise" or "weak"
        Precise: the experts' own geometry. Weak: circles, simulated from contours where the data set has
        contours. Results are always scored against the experts' own annotations.
    """

    name: str
    version: int
    title: str
    supervision: Literal["precise", "weak"]


TRACKS = MappingProxyType(
    {
        track.name: track
        for track in (
            Track(name="precise", version=1, title="learn from contours", supervision="precise"),
            Track(name="weak", version=1, title="learn from weak circles", supervision="weak"),
        )
    }
)


def get_track(name: str) -> Track:
    """The track of that name; UnknownNameError if there is none."""
    if name not in TRACKS:
        raise UnknownNameError("track", name, TRACKS)
    return TRACKS[name]
