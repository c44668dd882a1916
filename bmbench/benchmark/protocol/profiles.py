"""How much work a run may be."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

from bmbench.core.errors import UnknownNameError


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A named budget; each method holds its own settings for it.

    Attributes
    ----------
    models : int
        Detectors that are fitted with different seeds and answer together, where the method can.
    retrain : bool
        Fit once more on train + optimisation after the threshold was chosen (the study's protocol).
    bootstrap : int
        Replicates behind every interval.
    gallery : int
        Most test images to draw one by one.
    """

    name: str
    title: str
    models: int
    retrain: bool
    bootstrap: int
    gallery: int


PROFILES = MappingProxyType(
    {
        profile.name: profile
        for profile in (
            Profile(
                name="quick",
                title="one model, minutes on two CPU cores",
                models=1,
                retrain=False,
                bootstrap=2_000,
                gallery=12,
            ),
            Profile(
                name="paper",
                title="the study's protocol, hours on a GPU",
                models=5,
                retrain=True,
                bootstrap=10_000,
                gallery=40,
            ),
        )
    }
)


def get_profile(name: str) -> Profile:
    """The profile of that name; UnknownNameError if there is none."""
    if name not in PROFILES:
        raise UnknownNameError("profile", name, PROFILES)
    return PROFILES[name]
