"""Whether centres match farther than the size of the cells bears."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bmbench.core.types import Role

if TYPE_CHECKING:
    from bmbench.core.types import GroundTruth
    from bmbench.metrics import Protocol


def radius_note(truth: GroundTruth, protocol: Protocol) -> str | None:
    """What to say where centres match beyond half the mean diameter of the cells; None where they do not.

    From there on a prediction whose centre lies outside the cell counts as a hit. The diameter is the mean
    side of the boxes that have an extent.
    """
    radius = protocol.radius_px
    sides = (truth.box[:, 2:] - truth.box[:, :2]).mean(axis=1)
    sized = sides[(truth.role == Role.CELL) & (sides > 0)]
    if radius is None or not len(sized) or radius <= (mean := float(sized.mean())) / 2:
        return None
    return (
        f"centres match up to {radius:g} px apart, but cells are {mean:.1f} px across on average: "
        f"the study's third of the diameter would be --radius {mean / 3:.1f}"
    )
