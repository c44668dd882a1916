"""How the slides of `marrow_1` differ: in stain, thickness, focus and density; test slides have more looks.

Training slides vary as slides of one laboratory do. Of the test slides eight are like them, and twelve have
one of six looks that no training slide has: that is what a detector meets in the next laboratory.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from bmbench.datasets.synthetic.stain import LOOKS, PLAIN, SlideStain, stain_of

FAMILIAR = "familiar"
N_LEVELS = 24
"""Levels that each property of the slides of one part takes, shuffled independently of one another."""


def _milder(name: str, share: float) -> Callable[[SlideStain], SlideStain]:
    """So much of the way from the slide as it is to another look of it."""

    def look(here: SlideStain) -> SlideStain:
        there = LOOKS[name](here)
        dyes = {dye: (1 - share) * here.dyes[dye] + share * there.dyes[dye] for dye in here.dyes}
        return dataclasses.replace(here, dyes=dyes, haze=(1 - share) * here.haze + share * there.haze)

    return look


def _thick(here: SlideStain) -> SlideStain:
    """Spread too thickly: crowded, red cells piled up, a dense film of plasma."""
    return dataclasses.replace(
        here,
        cells=1.35 * here.cells,
        reds=1.4 * here.reds,
        haze=here.haze + 0.1,
        focus_px=here.focus_px + 0.3,
    )


def _unfocused(here: SlideStain) -> SlideStain:
    """Out of focus everywhere, most at one side."""
    return dataclasses.replace(here, focus_px=here.focus_px + 0.85, rim_px=here.rim_px + 1.2, sharpen=0.2)


LOOK_OF: Mapping[str, Callable[[SlideStain], SlideStain]] = MappingProxyType(
    {
        FAMILIAR: LOOKS[PLAIN],
        "pale": _milder("pale", 0.6),
        "dark": _milder("dark", 0.7),
        "purple": _milder("purple", 0.12),
        "haematoxylin": _milder("haematoxylin-eosin", 0.13),
        "thick": _thick,
        "unfocused": _unfocused,
    }
)
_OTHERS = tuple(look for look in LOOK_OF if look != FAMILIAR)
TEST_LOOKS = 2 * (FAMILIAR, *_OTHERS[:3], FAMILIAR, *_OTHERS[3:], FAMILIAR, FAMILIAR)
"""The look of each of the 20 test slides: 8 familiar, 2 of each other look."""


def slide_of(part: int, number: int, look: str = FAMILIAR) -> SlideStain:
    """The stain of slide `number` of a part of the set (each part has levels of its own), in a look."""
    levels = np.random.default_rng([1, part, 1]).permuted(
        np.tile(np.linspace(-1.0, 1.0, N_LEVELS), (17, 1)), axis=1
    )
    at = levels[:, number % N_LEVELS]
    rng = np.random.default_rng([1, part, 2, number])
    plain = stain_of(at, rng)
    varied = dataclasses.replace(
        plain,
        dyes={name: density * (1 + 0.12 * at[0]) for name, density in plain.dyes.items()},
        focus_px=0.62 + 0.3 * at[7],
        cells=1 + 0.4 * at[10],
        specks=1.5 + 1.2 * at[12],
        haze=0.075 + 0.06 * at[14],
        # A third of the slides have a side that lies out of focus.
        rim_px=max(0.0, 1.6 * float(at[16]) - 0.55),
    )
    return LOOK_OF[look](varied)
