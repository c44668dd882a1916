"""The units: what varies in intervals and tests, how few are too few, how many they are worth.

A unit is a patient or slide, or an image where groups are not known: what would be another one if the test
set had been another one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from bmbench.core.errors import BadInputError
from bmbench.core.types import Floats, Ints
from bmbench.metrics.scores import Evaluation

FEWEST_FOR_INTERVAL = 3
"""Units from which on a number has an interval: two of them cannot show how units differ."""
FEWEST_UNITS = 6
"""Units from which on all pairs of methods are tested, and an interval stands without a mark."""


UnitName: TypeAlias = Literal["group", "image"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ChosenUnits:
    """What is taken for the units of some images.

    Attributes
    ----------
    name : "group" or "image"
    row : (images,) int64
        Unit of each image, numbered from 0.
    n : int
    groups : int or None
        Groups whose images are taken for independent units because that was asked for; else None.
    """

    name: UnitName
    row: Ints
    n: int
    groups: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedUnits:
    """What a user says of the units: which they shall be, and that images of one group are independent."""

    name: UnitName | None = None
    independent: bool = False


def choose_units(
    evaluation: Evaluation, wanted: UnitName | None = None, *, independent: bool = False
) -> ChosenUnits:
    """The groups (patients or slides) where images have any, else the images.

    Raises
    ------
    BadInputError
        If groups are wanted and there are none; or images, though several are of one group, and nobody says
        that they are independent.
    """
    n_images, n_groups = len(evaluation.group), evaluation.n_groups
    if (wanted or ("group" if evaluation.grouped else "image")) == "group":
        if not evaluation.grouped:
            raise BadInputError(
                "--unit group",
                expected="images with a group (patient or slide)",
                got="a ground truth in which none has one",
                remedy="add `group` to its images, or leave --unit out",
            )
        return ChosenUnits(name="group", row=evaluation.group, n=n_groups)
    shared = n_groups < n_images
    if shared and not independent:
        raise BadInputError(
            f"--unit image, but the {n_images} images are of {n_groups} groups",
            expected="groups as units: images of one patient or slide are alike",
            remedy="leave --unit out, or add --independent if further images of these very groups are meant",
        )
    return ChosenUnits(name="image", row=np.arange(n_images), n=n_images, groups=n_groups if shared else None)


def units_of(evaluation: Evaluation) -> ChosenUnits:
    """The units that the intervals of an evaluation were made with; those by default before they are."""
    rule = evaluation.interval
    if rule is None:
        return choose_units(evaluation)
    return choose_units(evaluation, rule.unit, independent=rule.groups is not None)


def numbered(names: Iterable[object]) -> Ints:
    """(images,) number of the unit that each image is of, from 0 in the order of the units' names."""
    _, unit = np.unique(np.asarray([str(name) for name in names], dtype=str), return_inverse=True)
    return unit.astype(np.int64)


def by_unit(values: Floats, unit: Ints, n_units: int) -> Floats:
    """(m, n_units) sums of (m, images) values over the images of each unit."""
    sums = np.zeros((n_units, len(values)))
    np.add.at(sums, unit, np.asarray(values, np.float64).T)
    return sums.T


def effective_units(weight: Floats) -> float:
    """Kish's effective number of units, 1 / Σ w², of (n,) shares that sum to 1 (Kish 1965, section 11.7).

    Equal shares count each; one unit that holds nearly everything makes one of many.
    """
    square = float(np.square(weight).sum())
    return 1 / square if square > 0 else 0.0


def degrees_of_freedom(weight: Floats) -> float:
    """Degrees of freedom of a jackknife variance: the effective number of units − 1, at least 1."""
    return max(effective_units(weight) - 1, 1.0)
