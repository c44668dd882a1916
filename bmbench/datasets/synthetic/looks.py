"""Other stains of the same smears: what a laboratory across the street would send.

A look changes the colours of a slide and nothing else: the same cells lie in the same places, so that a
difference in score is one of colour. Slides keep their own differences in every look.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from bmbench.core.types import Floats
    from bmbench.datasets.synthetic.stain import SlideStain

PLAIN = "pappenheim"
HAEMATOXYLIN = (0.650, 0.704, 0.286)
EOSIN = (0.072, 0.990, 0.105)
"""Directions of optical density in red, green, blue (Ruifrok and Johnston, Anal Quant Cytol Histol 2001)."""
VIOLET = (0.53, 0.82, 0.22)
"""That of ground and nuclei alike in the purple-on-purple fields of the 2018 Data Science Bowl."""
_HAEMATOXYLIN_SHARE = {
    "chromatin": 1.0,
    "black": 1.0,
    "azure": 0.8,
    "blue": 0.6,
    "grey": 0.35,
    "pink": 0.1,
    "haem": 0.0,
    "eosin": 0.0,
}
"""How much of a dye's place in a smear haematoxylin takes in a section; eosin takes the rest."""


def _pale(here: SlideStain) -> SlideStain:
    """Half of the dye: stained too briefly, or bleached."""
    return _with_dyes(here, lambda _, density: 0.5 * density)


def _dark(here: SlideStain) -> SlideStain:
    """Half as much dye again: stained too long."""
    return _with_dyes(here, lambda _, density: 1.5 * density)


def _purple(here: SlideStain) -> SlideStain:
    """Purple on purple: a stained film under everything, and one hue for nearly all of it."""
    violet = _unit(VIOLET)
    mixed = _with_dyes(here, lambda _, density: 0.15 * density + 0.85 * np.linalg.norm(density) * violet)
    return dataclasses.replace(mixed, haze=here.haze + 0.55)


def _haematoxylin_eosin(here: SlideStain) -> SlideStain:
    """Haematoxylin and eosin: blue-violet nuclei, pink everything else, on a faint pink film."""
    haematoxylin, eosin = _unit(HAEMATOXYLIN), _unit(EOSIN)

    def restained(name: str, density: Floats) -> Floats:
        share = _HAEMATOXYLIN_SHARE[name]
        direction: Floats = share * haematoxylin + (1 - share) * eosin
        return 0.85 * float(np.linalg.norm(density)) * direction

    return dataclasses.replace(_with_dyes(here, restained), haze=here.haze + 0.15)


LOOKS: Mapping[str, Callable[[SlideStain], SlideStain]] = MappingProxyType(
    {
        PLAIN: lambda here: here,
        "pale": _pale,
        "dark": _dark,
        "purple": _purple,
        "haematoxylin-eosin": _haematoxylin_eosin,
    }
)
"""Name → the slide in that stain."""


def _with_dyes(here: SlideStain, restain: Callable[[str, Floats], Floats]) -> SlideStain:
    return dataclasses.replace(
        here, dyes={name: restain(name, density) for name, density in here.dyes.items()}
    )


def _unit(direction: tuple[float, float, float]) -> Floats:
    vector = np.array(direction)
    unit: Floats = vector / np.linalg.norm(vector)
    return unit
