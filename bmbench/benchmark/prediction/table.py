"""What `bmbench predict` prints when it is done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import box
from rich.markup import escape
from rich.table import Table

from bmbench.present.words import UNDEFINED

if TYPE_CHECKING:
    from bmbench.benchmark.prediction.options import Report

MOST_ROWS = 20
"""Images that the table lists; the files have all of them."""


def predicted_table(report: Report) -> Table:
    """One row an image: size, pixel size, tiles looked at, cells."""
    caption = f"cells with confidence ≥ {report.threshold:.3f}"
    if len(report.images) > MOST_ROWS:
        caption += f"; the first {MOST_ROWS} of {len(report.images)} images"
    table = Table(caption=caption, box=box.SIMPLE_HEAD)
    table.add_column("image", overflow="fold")
    for title in ("size, px", "µm per px", "tiles", "cells"):
        table.add_column(title, justify="right", no_wrap=True)
    for image in report.images[:MOST_ROWS]:
        um = UNDEFINED if image.um_per_px is None else f"{image.um_per_px:.4g}"
        um += "" if image.scale == 1 else f" (read × {image.scale:.3g})"
        tiles = f"{image.tiles} of {image.of_tiles}"
        size = f"{image.size[0]} × {image.size[1]}"
        table.add_row(escape(image.name), size, um, tiles, str(image.cells))
    if len(report.images) > 1:
        table.add_section()
        table.add_row("all", "", "", "", str(sum(image.cells for image in report.images)))
    return table
