"""How an image is brought to those that a detector learned from: by nothing, its size, its colours."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from bmbench.adapters.images.appearance import (
    Appearance,
    colours,
    nucleus_diameter,
    recoloured,
    standardising_table,
)
from bmbench.adapters.images.working_scale import Colour
from bmbench.core.errors import BadInputError, UnknownNameError
from bmbench.core.types import Floats, Pixels

SCALES = ("stated", "auto", "shared")
"""Where the scale of images comes from: what is stated, the nuclei of each, the nuclei of all."""
SMALLEST_FACTOR, LARGEST_FACTOR = 0.1, 8.0
"""Limits of the factor that is measured: no objective is further from another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjusting:
    """What a user asks for (`--scale auto`, `--standardise`).

    Attributes
    ----------
    measured_scale : bool
        Whether an image is read where its nuclei are as large as in training, whatever is stated.
    standardise : bool
        Whether colours are moved to those of the training images.
    learned : Appearance or None
        How these look; None in the records of older runs, which cannot be adjusted to.
    shared_scale : bool
        Whether one size stands for all images (`--scale shared`), which then are of one scale.
    shared_px : float or None
        That size, once it is measured; None where too few nuclei are there.
    """

    measured_scale: bool = False
    standardise: bool = False
    learned: Appearance | None = None
    shared_scale: bool = False
    shared_px: float | None = None

    @classmethod
    def of(cls, *, scale: str, standardise: bool, learned: Appearance | None = None) -> Adjusting:
        """What ``--scale`` and ``--standardise`` ask for.

        Raises
        ------
        UnknownNameError
            If `scale` is none of `SCALES`.
        """
        if scale not in SCALES:
            raise UnknownNameError("scale", scale, SCALES)
        return cls(
            measured_scale=scale != "stated",
            shared_scale=scale == "shared",
            standardise=standardise,
            learned=learned,
        )

    def sharing(self, images: Iterable[Sequence[Pixels]]) -> Adjusting:
        """The same with the median size of the nuclei of all images, each given by its windows."""
        if not self.shared_scale:
            return self
        sizes = [size for parts in images if parts and (size := nucleus_diameter(parts)) is not None]
        return replace(self, shared_px=float(np.median(sizes)) if sizes else None)

    @property
    def looks(self) -> bool:
        """Whether images are looked at before they are predicted."""
        return self.standardise or self.measured_scale

    @property
    def scale_option(self) -> str:
        """The option that asks for a measured scale."""
        return f"--scale {'shared' if self.shared_scale else 'auto'}"

    @property
    def suffix(self) -> str:
        """What tells the folder of results from that of another choice."""
        measured = f"-{self.scale_option[2:].replace(' ', '=')}" if self.measured_scale else ""
        return f"{measured}-standardised" if self.standardise else measured


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Adjustment:
    """How one image is adjusted.

    Attributes
    ----------
    factor : float
        Pixels that the detector sees in one of the image.
    nucleus_px : float or None
        Diameter of its nuclei; None where nobody measured it, or too few are there.
    table : (256, 3) grey levels, or None
        What takes the place of each grey level of each channel.
    shift : (red, green, blue) or None
        By how many grey levels the table moves the mean.
    """

    factor: float = 1.0
    nucleus_px: float | None = None
    table: Pixels | None = None
    shift: Colour | None = None

    def recolour(self, image: Pixels) -> Pixels:
        """The image in the colours of the training images, or as it is."""
        return image if self.table is None else recoloured(image, self.table)


UNCHANGED = Adjustment()
"""The image as it is."""


def require_appearance(asked: Adjusting, *, where: str) -> None:
    """Nothing, or a BadInputError if the detector does not say what its training images look like."""
    option = asked.scale_option if asked.measured_scale else "--standardise"
    if asked.looks and asked.learned is None:
        raise BadInputError(
            f"{option}: the run does not say how its training images look",
            where=where,
            expected="a run of this version of bmbench, which measures them",
            remedy="train it anew, or leave the option out",
        )
    if asked.measured_scale and asked.learned is not None and asked.learned.nucleus_px is None:
        raise BadInputError(
            f"{option}: no nuclei were seen on the training images, so that sizes cannot be compared",
            where=where,
            remedy="leave the option out",
        )


def adjust(asked: Adjusting, look: Callable[[], Sequence[Pixels]], *, stated: float = 1.0) -> Adjustment:
    """How an image is adjusted whose windows `look` reads; `stated` is the factor that pixel sizes give."""
    if not asked.looks or asked.learned is None:
        return Adjustment(factor=stated)
    parts = look()
    if not parts:
        return Adjustment(factor=stated)
    nucleus = asked.shared_px
    if asked.measured_scale and not asked.shared_scale:
        nucleus = nucleus_diameter(parts)
    factor = stated
    if nucleus is not None and asked.learned.nucleus_px is not None:
        factor = float(np.clip(asked.learned.nucleus_px / nucleus, SMALLEST_FACTOR, LARGEST_FACTOR))
    if not asked.standardise:
        return Adjustment(factor=factor, nucleus_px=nucleus)
    mean, deviation = colours(parts)
    red, green, blue = (round(float(value), 1) for value in np.array(asked.learned.mean) - mean)
    return Adjustment(
        factor=factor,
        nucleus_px=nucleus,
        table=standardising_table(mean, deviation, asked.learned),
        shift=(red, green, blue),
    )


def adjustment_lines(asked: Adjusting, done: Sequence[tuple[str, Adjustment]]) -> tuple[str, ...]:
    """What was found, a line for the scale and one for the colours; `done` are names of images and theirs."""
    lines = []
    if asked.measured_scale and done:
        lines.append(_scale_line(asked, done))
    shifts = np.array([one.shift for _, one in done if one.shift is not None])
    if len(shifts):
        red, green, blue = np.median(shifts, axis=0)
        typical = " (median)" if len(shifts) > 1 else ""
        lines.append(
            "colours: standardised to the training images, mean moved by "
            f"{red:+.0f} {green:+.0f} {blue:+.0f} grey levels of red, green, blue{typical}"
        )
    return tuple(lines)


def _scale_line(asked: Adjusting, done: Sequence[tuple[str, Adjustment]]) -> str:
    learned = asked.learned.nucleus_px if asked.learned is not None else None
    sizes = np.array([one.nucleus_px for _, one in done if one.nucleus_px is not None])
    factors = np.array([one.factor for _, one in done if one.nucleus_px is not None])
    unmeasured = [name for name, one in done if one.nucleus_px is None]
    if asked.shared_px is not None and learned is not None:
        return (
            f"scale: nuclei of {asked.shared_px:.1f} px, the median of all images, learned from "
            f"{learned:.1f} px: each read × {np.median(factors):.2f}"
        )
    if not len(sizes):
        return "scale: too few nuclei were seen to measure them, read as stated"
    text = (
        f"scale: nuclei of {_range(sizes, '.1f')} px, learned from {learned:.1f} px: "
        f"read × {_range(factors, '.2f')}"
    )
    if unmeasured:
        more = f" and {len(unmeasured) - 1} more" if len(unmeasured) > 1 else ""
        text += f"; too few nuclei on {unmeasured[0]}{more}: read as stated"
    return text


def _range(values: Floats, form: str) -> str:
    middle = f"{np.median(values):{form}}"
    return middle if len(values) == 1 else f"{middle} ({values.min():{form}} to {values.max():{form}})"
