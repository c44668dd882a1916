"""The questions that methods are compared on, and how much work a run on them may be."""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from bmbench.core.errors import UnknownNameError


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """What a method may learn from; any change is a new version.

    Attributes
    ----------
    supervision : "precise", "drawn" or "weak"
        Precise: the experts' own geometry, which is contours. Drawn: whatever was drawn, contours if there
        are any, else circles, else boxes, else points with a radius. Weak: circles, simulated from contours
        where the data set has contours. Results are always scored against the experts' own annotations.
    """

    name: str
    version: int
    title: str
    supervision: Literal["precise", "drawn", "weak"]


TRACKS = MappingProxyType(
    {
        track.name: track
        for track in (
            Track(name="precise", version=1, title="learn from contours", supervision="precise"),
            Track(name="drawn", version=1, title="learn as drawn", supervision="drawn"),
            Track(name="weak", version=1, title="learn from weak circles", supervision="weak"),
        )
    }
)


def default_track(*, published: bool, jitter_px: float | None) -> str:
    """What a run learns from if nobody says it: own files as they were drawn, benchmarks as weak circles.

    Somebody who states the jitter of simulated circles asks for these.
    """
    return "weak" if published or jitter_px is not None else "drawn"


def get_track(name: str) -> Track:
    """The track of that name; UnknownNameError if there is none."""
    if name not in TRACKS:
        raise UnknownNameError("track", name, TRACKS)
    return TRACKS[name]


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A named budget; each method holds its own settings for it.

    Attributes
    ----------
    models : int
        Detectors that are fitted with different seeds and answer together, where the method can.
    retrain : bool
        Fit once more on train + optimisation after the threshold was chosen (the study's protocol).
    gallery : int
        Most test images to draw one by one.
    search : int
        Trainings of the search for better settings that `bmbench reproduce` makes before the runs of a row.
    """

    name: str
    title: str
    models: int
    retrain: bool
    gallery: int
    search: int = 0


PROFILES = MappingProxyType(
    {
        profile.name: profile
        for profile in (
            Profile(
                name="quick",
                title="one model, minutes on two CPU cores",
                models=1,
                retrain=False,
                gallery=12,
            ),
            Profile(
                name="standard",
                title="the recipe for marrow sections, half an hour on two CPU cores",
                models=3,
                retrain=False,
                gallery=12,
            ),
            Profile(
                name="paper",
                title="the study's protocol, hours on a GPU",
                models=5,
                retrain=True,
                gallery=40,
                search=20,
            ),
        )
    }
)


def get_profile(name: str) -> Profile:
    """The profile of that name; UnknownNameError if there is none."""
    if name not in PROFILES:
        raise UnknownNameError("profile", name, PROFILES)
    return PROFILES[name]
