"""Whether ``--areas auto`` counts where one can count: on drawn slides whose zones are known.

    python benchmarks/bench_areas.py [--slides 5] [--cells 500] [--out FILE]

Every slide (`zoned_slide.py`) has countable, thick, thin, blurred and crushed zones in equal parts, in
places that are drawn at random. Fields are chosen for so many cells in three ways, and how much of their area
lies in countable zones is written as a table. A slide takes half a minute of one core.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from zoned_slide import ZONES, ZonedSlide, zoned_slide

from bmbench.adapters.images.appearance import windows
from bmbench.benchmark.areas.choose import ChosenAreas, SlideField, choose_areas
from bmbench.benchmark.prediction.selection import where_stained
from bmbench.core.files import write_text
from bmbench.core.progress import Silent
from bmbench.datasets.slides import Slide, read_region
from bmbench.present.markdown import paragraph, table

OUT = Path(__file__).resolve().parents[1] / "docs" / "results" / "areas.md"
FIRST = 10
"""Number of the first slide."""
_TEXT = """Made by `benchmarks/bench_areas.py`: {slides} drawn slides of {side:,} × {side:,} px with
countable, thick, thin, blurred and crushed zones in equal parts, a zone {zone:,} px wide and a field of view
about {field:.0f}. Fields are chosen until they hold {cells} nuclei. Numbers are per cent of the chosen area,
the mean over slides and in brackets the worst and the best slide. The limits of `--areas auto` were set on
other slides than these (numbers 100 to 104). Many fields reach over the border
of a zone; zones on a real slide are larger."""
_WAYS = """**auto** is `--areas auto`; **random** are fields on which anything is stained; **densest** are the
fields with the most nuclei."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--slides", type=int, default=5)
    parser.add_argument("--cells", type=int, default=500)
    parser.add_argument("--out", type=Path, default=OUT)
    asked = parser.parse_args()
    shares: dict[str, list[NDArray[np.float64]]] = {"auto": [], "random": [], "densest": []}
    fields = []
    for seed in range(FIRST, FIRST + asked.slides):
        drawn = zoned_slide(seed)
        found = choose(drawn, asked.cells)
        every = (*found.chosen, *found.others)
        fields.append(every[0].box[2] - every[0].box[0])
        shares["auto"].append(drawn.shares(boxes(found.chosen)))
        shares["random"].append(drawn.shares(boxes(every)))
        densest = sorted(every, key=lambda field: -field.nuclei)
        enough = int(np.searchsorted(np.cumsum([field.nuclei for field in densest]), asked.cells)) + 1
        shares["densest"].append(drawn.shares(boxes(densest[:enough])))
        print(seed, {way: np.round(rows[-1], 2).tolist() for way, rows in shares.items()}, flush=True)
    about = _TEXT.format(
        slides=asked.slides,
        side=drawn.mosaic.size[0],
        zone=2 * drawn.mosaic.patch_px,
        field=np.mean(fields),
        cells=asked.cells,
    )
    rows = [(way, *map(_cell, np.array(values).T)) for way, values in shares.items()]
    text = table(("fields", *ZONES, "glass"), rows)
    parts = ("# Where `--areas auto` counts", paragraph(about), text, paragraph(_WAYS))
    write_text(asked.out, "\n\n".join(part.rstrip() for part in parts) + "\n")


def choose(drawn: ZonedSlide, cells: int) -> ChosenAreas:
    """The areas of a slide that is nowhere on disk."""
    width, height = drawn.mosaic.size
    slide = Slide(
        path=Path("drawn.tif"),
        width=width,
        height=height,
        um_per_px=drawn.mosaic.um_per_px,
        levels=((width, height),),
        read=lambda level, x, y, w, h: drawn.mosaic.read(x, y, w, h),  # noqa: ARG005
        close=lambda: None,
        reader="image",
    )
    wanted = where_stained(slide).wanted
    parts = [
        read_region(slide, part, (part[2] - part[0], part[3] - part[1]))
        for part in windows(width, height, wanted)
    ]
    return choose_areas(slide, parts, wanted=cells, name="drawn", progress=Silent())


def boxes(fields: Sequence[SlideField]) -> NDArray[np.float64]:
    """(n, 4) the boxes of these fields."""
    return np.array([field.box for field in fields], np.float64).reshape(-1, 4)


def _cell(shares: NDArray[np.float64]) -> str:
    low, high = 100 * shares.min(), 100 * shares.max()
    return f"{100 * shares.mean():.0f} ({low:.0f}–{high:.0f})"


if __name__ == "__main__":
    main()
