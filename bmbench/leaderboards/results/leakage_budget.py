"""How much of a hidden truth the published numbers can tell at most, in bits.

A submission asks the truth a question, its published scores are the answer. Whatever is asked, a score on a
scale of length 1 with normal noise of standard deviation σ carries at most log₂(1 + 1 / (σ √(2πe))) bits
(McKellips, Simple tight bounds on capacity for the peak-limited discrete-time channel, ISIT 2004), and no
more than its steps. The half-width of an interval is one of a few widths. Ranks and tests of a hidden track
are made of these numbers alone, so they add nothing.
"""

import math
from dataclasses import dataclass

from msgspec import UnsetType

from bmbench.core.errors import BadInputError
from bmbench.leaderboards.tracks.manifest import Manifest

WIDTHS = (0.01, 0.02, 0.04, 0.08, 0.16, 1.0)
"""The half-widths that an interval of a hidden track may have: the next larger one is published."""
STEPS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1)
_SPREAD = math.sqrt(2 * math.pi * math.e)
_MONTH = 30
_WIDTH_BITS = math.log2(len(WIDTHS))


@dataclass(frozen=True, slots=True, kw_only=True)
class Leakage:
    """Bits at most: of one submission, of one login and of all in 30 days; None where there is no limit."""

    submission: float
    login: float | None
    everybody: float | None


def leakage(manifest: Manifest) -> Leakage:
    """What the numbers of a hidden track can tell at most."""
    bits = len(manifest.metrics) * (value_bits(manifest.truth.step, noise_of(manifest)) + _WIDTH_BITS)
    limits = manifest.limits
    timed = not isinstance(limits.days, UnsetType)
    login = limits.attempts if timed else None
    everybody = (
        limits.attempts_of_all if timed and not isinstance(limits.attempts_of_all, UnsetType) else None
    )
    return Leakage(submission=bits, login=_in_30_days(bits, login, limits.days),
                   everybody=_in_30_days(bits, everybody, limits.days))  # fmt: skip


def _in_30_days(bits: float, most: int | None, days: int | UnsetType) -> float | None:
    """Of so many submissions in so many days; a window of 30 days holds whole ones at its ends, too."""
    if most is None or isinstance(days, UnsetType):
        return None
    return bits * most * math.ceil(_MONTH / days)


def noise_of(manifest: Manifest) -> float:
    """The standard deviation of the noise of a track's scores; none where the track states none."""
    noise = manifest.truth.noise
    return 0.0 if isinstance(noise, UnsetType) else noise


def value_bits(step: float, noise: float) -> float:
    """Bits that one score can carry at most."""
    of_steps = math.log2(1 / step + 1)
    return of_steps if noise == 0 else min(of_steps, math.log2(1 + 1 / (noise * _SPREAD)))


def noise_for(bits: float, n_metrics: int) -> tuple[float, float]:
    """The noise and the step with which a submission tells at most so many bits.

    The step is the largest of `STEPS` that is no larger than the noise: finer ones would show noise alone.

    Raises
    ------
    BadInputError
        If that is not enough for the widths of intervals and one bit a score.
    """
    each = bits / n_metrics - _WIDTH_BITS
    if each < 1:
        least = math.ceil(n_metrics * (1 + _WIDTH_BITS))
        raise BadInputError(
            "the scores would be noise alone",
            where="--bits",
            expected=f"at least {least} for {n_metrics} metrics",
            got=f"{bits:g}",
            remedy="publish fewer metrics: --metric",
        )
    noise = float(f"{math.ceil(1e4 / (_SPREAD * (2**each - 1))) / 1e4:.4f}")
    return noise, max((step for step in STEPS if step <= noise), default=STEPS[0])


def cell_bits(area_px: float, n_cells: int, radius_px: float) -> float:
    """What it takes to know one of n cells to the matching radius: log₂ of (places choose cells) / cells."""
    places = max(area_px / (math.pi * radius_px**2), n_cells + 1.0)
    lgamma = math.lgamma
    ways = lgamma(places + 1) - lgamma(n_cells + 1) - lgamma(places - n_cells + 1)
    return max(ways / math.log(2) / max(n_cells, 1), 1e-9)
