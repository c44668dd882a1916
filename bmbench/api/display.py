"""Results in a notebook: HTML for people, frames of pandas for further work."""

from __future__ import annotations

import base64
import html
from collections.abc import Iterable, Mapping
from io import BytesIO
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from rich.markup import escape

from bmbench.core.errors import MissingExtraError
from bmbench.core.types import Floats, GroundTruth
from bmbench.present.html import html_table
from bmbench.present.terminal import terminal_table

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd
    from matplotlib.figure import Figure
    from rich.table import Table

MOST_ROWS = 20
"""Images that a table lists; the frame has all of them."""
WIDEST_PX = 900
"""Pictures inside a notebook are no wider: it is saved with them."""


def html_of(tables: Iterable[Table], *pictures: str, notes: Iterable[str] = ()) -> str:
    """Tables, then pictures (SVG, or tags of HTML), then notes, as one piece of HTML."""
    said = "".join(f"<p><small>{html.escape(note)}</small></p>" for note in notes)
    return "".join([*map(html_table, tables), *pictures, said])


def shown(figure: Figure, kind: Literal["png", "jpeg"] = "png") -> Figure:
    """The figure as a picture in a notebook, which shows the name alone of one that pyplot has not made.

    What is drawn on a photograph is a JPEG: as PNG it is ten times as large, and saved with the notebook.
    """

    def picture() -> bytes:
        buffer = BytesIO()
        figure.savefig(buffer, format=kind, dpi=72 if kind == "jpeg" else 100)
        return buffer.getvalue()

    vars(figure)[f"_repr_{kind}_"] = picture
    return figure


def inline_picture(path: Path, what: str) -> str:
    """A picture file as a tag of HTML that needs no file; nothing where there is none."""
    from PIL import Image

    from bmbench.core.gate import is_file
    from bmbench.datasets.reading.images import read_rgb

    if not is_file(path):
        return ""
    picture = Image.fromarray(read_rgb(path))
    picture.thumbnail((WIDEST_PX, 2 * WIDEST_PX))
    buffer = BytesIO()
    picture.save(buffer, format="JPEG", quality=85)
    data = base64.b64encode(buffer.getvalue()).decode()
    return f"<img alt='{what}' style='max-width:100%' src='data:image/jpeg;base64,{data}'>"


def frame_of(columns: Mapping[str, Any]) -> pd.DataFrame:
    """Columns as a frame of pandas.

    Raises
    ------
    MissingExtraError
        If pandas is not installed.
    """
    try:
        import pandas as pd
    except ImportError:
        raise MissingExtraError("pandas, which frames need,", extra="notebook") from None
    return pd.DataFrame(dict(columns))


def place_columns(xy: Floats, box: Floats) -> dict[str, Any]:
    """Centre and box of objects as columns of a frame."""
    names = ("x_px", "y_px", "x0_px", "y0_px", "x1_px", "y1_px")
    return dict(zip(names, np.column_stack([xy, box]).T, strict=True))


def images_table(title: str, image: NDArray[Any], confidence: Floats) -> Table:
    """One row an image: how many detections, how sure they are."""
    images = list(dict.fromkeys(image.tolist()))
    caption = f"the first {MOST_ROWS} of {len(images)} images" if len(images) > MOST_ROWS else None
    table = terminal_table("image", ("detections", "confidence"), title=escape(title), caption=caption)
    for name in images[:MOST_ROWS]:
        here = confidence[image == name]
        table.add_row(escape(str(name)), f"{len(here):,}", f"{here.min():.3f} to {here.max():.3f}")
    return table


def classes_table(title: str, truth: GroundTruth) -> Table:
    """One row a class: how many objects, on how many images."""
    table = terminal_table("class", ("objects", "images"), title=escape(title))
    for row, category in enumerate(truth.categories):
        here = truth.label == row
        name = f"{category.name} (artefact)" if category.artefact else category.name
        table.add_row(escape(name), f"{here.sum():,}", f"{len(np.unique(truth.image[here])):,}")
    return table
