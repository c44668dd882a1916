"""Pappenheim (May-Grünwald-Giemsa) colours as optical densities, how slides differ in them, and other stains.

A look changes the colours of a slide and nothing else: the same cells lie in the same places, so that a
difference in score is one of colour. Slides keep their own differences in every look.
"""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from bmbench.core.types import Floats

N_SLIDES = 18
"""Slides (patients) of the set; image i lies on slide i modulo this."""

_DYES: Mapping[str, tuple[float, float, float]] = {
    # Colour seen through density 1 on a white field, 8-bit RGB.
    "chromatin": (98, 50, 142),
    "azure": (122, 40, 118),
    "blue": (134, 146, 194),
    "grey": (176, 172, 196),
    "pink": (232, 186, 190),
    "haem": (205, 170, 164),
    "eosin": (214, 116, 88),
    "black": (60, 36, 70),
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SlideStain:
    """How one slide was stained, spread and photographed.

    Attributes
    ----------
    dyes : dye → (3,) float64
        Optical density (natural logarithm) of density 1 in red, green, blue.
    light : (3,) float64 in [0, 1]
        Colour of the empty field.
    shade, tilt : float
        Relative fall-off of the light at the corner, and its direction (radians).
    focus_px, sharpen : float
        Standard deviation of the blur; strength of the camera's sharpening.
    noise : float
        Standard deviation of the camera noise, 8-bit grey levels.
    cells, reds, specks : float
        Density of annotated objects, red cells and precipitate, relative to the mean slide.
    pallor : float in [0, 1]
        How pale the centres of red cells are.
    haze : float
        Density of the plasma film.
    rim_px : float
        Standard deviation of the blur at the side that lies out of focus; 0 where none does.
    """

    dyes: Mapping[str, Floats]
    light: Floats
    shade: float
    tilt: float
    focus_px: float
    sharpen: float
    noise: float
    cells: float
    reds: float
    specks: float
    pallor: float
    haze: float
    rim_px: float = 0.0


def slide(seed: int, number: int) -> SlideStain:
    """The stain of slide `number` of the cohort `seed`.

    Each property takes one of N_SLIDES evenly spaced levels, shuffled independently (a Latin hypercube):
    slides differ as much in every seed, and no held-out slide lies far outside all the others.
    """
    levels = np.random.default_rng([seed, 1]).permuted(
        np.tile(np.linspace(-1.0, 1.0, N_SLIDES), (16, 1)), axis=1
    )
    return stain_of(levels[:, number % N_SLIDES], np.random.default_rng([seed, 2, number % N_SLIDES]))


def stain_of(at: Floats, rng: np.random.Generator) -> SlideStain:
    """The stain of a slide whose properties have these levels, each from -1 to 1."""
    strength, warmth, hue, reds, light = 1 + 0.14 * at[0], at[1], at[2], at[3], at[4]
    dyes = {}
    for name, colour in _DYES.items():
        density = -np.log(np.array(colour) / 244.0)
        density *= strength * (1 + rng.normal(0, 0.025, 3))
        density *= 1 + np.array([0.10, 0.0, -0.08]) * hue + np.array([-0.05, 0.0, 0.10]) * warmth
        dyes[name] = density
    dyes["haem"] *= (1 + 0.18 * reds) * np.array([1.08 + 0.27 * at[5], 1.0, 0.97 - 0.1 * at[5]])
    field = np.array([0.925, 0.895, 0.895]) + 0.02 * light
    return SlideStain(
        dyes=dyes,
        light=field + np.array([0.012, 0.0, -0.014]) * warmth + np.array([-0.006, 0.0, 0.012]) * hue,
        shade=0.05 + 0.03 * at[6],
        tilt=float(rng.uniform(0, 2 * np.pi)),
        focus_px=0.72 + 0.22 * at[7],
        sharpen=0.45 + 0.25 * at[8],
        noise=1.6 + 0.7 * at[9],
        cells=1 + 0.22 * at[10],
        reds=1 + 0.5 * at[11],
        specks=1 + 0.6 * at[12],
        pallor=0.36 + 0.2 * at[13],
        haze=0.06 + 0.045 * at[14],
    )


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
