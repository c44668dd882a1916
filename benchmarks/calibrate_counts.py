"""How often the limits of a differential count hold the truth, by simulation: a part of ``make calibrate``.

``python benchmarks/calibrate_counts.py [--sets N] [--out FILE]`` draws counts whose true percentages are
known, with cells that are clustered in images and patients, puts them through
`bmbench.statistics.differential`, and writes one Markdown file; a minute of one core.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bmbench.core.files import write_text
from bmbench.core.types import Floats, Ints
from bmbench.present.markdown import paragraph, table
from bmbench.statistics.differential import cell_shares

OUT = Path(__file__).resolve().parents[1] / "docs" / "results" / "count-calibration.md"
SEED = 82
SHARES = np.array([0.45, 0.25, 0.15, 0.08, 0.04, 0.02, 0.01])
"""True shares of seven classes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CountDesign:
    """Units with cells.

    Attributes
    ----------
    cells : float
        On a unit, on average; their number is gamma-Poisson with shape 4.
    alike : float or None
        How alike the units are: the sum of the Dirichlet's parameters, of which the intra-unit correlation
        is 1 / (1 + alike); None of cells that are all independent.
    """

    units: int
    cells: float
    alike: float | None

    @property
    def name(self) -> str:
        """The design in words."""
        how = "0" if self.alike is None else f"{1 / (1 + self.alike):.3f}"
        return f"{self.units} × {self.cells:g}, {how}"


DESIGNS = tuple(
    CountDesign(units=units, cells=cells, alike=alike)
    for units, cells in ((5, 40), (5, 100), (10, 20), (10, 50), (20, 25), (60, 40))
    for alike in (None, 40.0)
)
_TEXT = """Made by `benchmarks/calibrate_counts.py`: {sets:,} counts a row, whose true shares are known. `10 ×
50, 0.024` is 10 units (images of a patient, patients of a study) with 50 cells on average and an intra-unit
correlation of 0.024 (design effect about 2). Numbers are per cent of the counts whose 95 % limits hold the
truth; one standard error is {error:.1f}. **Limits** are those that bmbench gives: of a class that few units
hold they are exact limits of effective cells, and, as exact limits are, rather too wide. **Binomial** are the
classical limits (Rümke), which stand beside them."""


def drawn(design: CountDesign, rng: np.random.Generator) -> Ints:
    """(units, classes) cells of one count."""
    shape = 4
    n = np.maximum(rng.negative_binomial(shape, shape / (shape + design.cells), design.units), 1)
    shares: Floats = np.tile(SHARES, (design.units, 1))
    if design.alike is not None:
        shares = rng.dirichlet(SHARES * design.alike, design.units)
    return np.stack([rng.multinomial(cells, share) for cells, share in zip(n, shares, strict=True)])


def coverage(design: CountDesign, sets: int, seed: int = SEED) -> dict[str, Floats]:
    """(classes,) share of the counts whose limits hold the truth, by rule."""
    rng = np.random.default_rng([seed, design.units, int(design.cells), int(design.alike or 0)])
    held = {"limits": np.zeros(len(SHARES)), "binomial": np.zeros(len(SHARES))}
    for _ in range(sets):
        shares = cell_shares([""] * len(SHARES), drawn(design, rng))
        for column, (share, truth) in enumerate(zip(shares, SHARES, strict=True)):
            for rule, limits in (("limits", share.interval), ("binomial", share.exact)):
                assert limits is not None
                held[rule][column] += limits[0] <= truth <= limits[1]
    return {rule: n / sets for rule, n in held.items()}


def report(sets: int) -> str:
    """The whole file."""
    found = {design: coverage(design, sets) for design in DESIGNS}
    heads = ["units × cells, correlation", *(f"{100 * share:g} %" for share in SHARES)]
    parts = ["# How often limits of percentages hold the truth"]
    parts.append(paragraph(_TEXT.format(sets=sets, error=100 * np.sqrt(0.05 * 0.95 / sets))))
    common = np.array([found[design]["limits"][SHARES >= 0.04] for design in DESIGNS])
    every = np.array([found[design]["limits"] for design in DESIGNS])
    parts.append(
        paragraph(
            f"The limits hold the truth in {100 * every.mean():.1f} % on average; of classes of at least "
            f"4 % in {100 * common.min():.1f} to {100 * common.max():.1f} % of the counts, in 93 to 97 % in "
            f"{int(((common >= 0.93) & (common <= 0.97)).sum())} of {common.size} settings."
        )
    )
    for rule in ("limits", "binomial"):
        rows = [[design.name, *(f"{100 * share:.1f}" for share in found[design][rule])] for design in DESIGNS]
        parts.append(f"## {rule.capitalize()}\n\n{table(heads, rows)}")
    return "\n\n".join(parts) + "\n"


def main() -> None:
    """Write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", type=int, default=2_000)
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args()
    write_text(options.out, report(options.sets))
    print(options.out)


if __name__ == "__main__":
    main()
