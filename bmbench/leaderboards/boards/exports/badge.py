"""One line as a picture: for the README of a board, or of a method that stands on it."""

from bmbench.leaderboards.boards.answers import in_short
from bmbench.leaderboards.boards.page import Entry, Page
from bmbench.leaderboards.boards.words import metric_title, ranks
from bmbench.leaderboards.tracks.names import columns
from bmbench.present.palette import BLUE
from bmbench.present.svg import SvgDrawing, cut
from bmbench.present.words import decimal

_HEIGHT, _PER_COLUMN, _EDGE = 20, 6.8, 7


def track_badge(page: Page) -> str:
    """Who is best on a track."""
    return _badge(f"bmbench {page.manifest.name}", f"best: {cut(in_short(page), 40)}")


def submission_badge(page: Page, entry: Entry) -> str:
    """The value of a submission and the places that the tests leave to it."""
    metric = page.manifest.metrics[0]
    place = entry.places[metric]
    text = f"{metric_title(metric)} {decimal(place.value)}"
    if page.primary is not None and page.primary.tested:
        text += f", place {ranks(place.ranks)} of {len(page.ranked)}"
    return _badge(f"bmbench {page.manifest.name}", text)


def _badge(left: str, right: str) -> str:
    widths = [_PER_COLUMN * columns(text) + 2 * _EDGE for text in (left, right)]
    drawing = SvgDrawing(sum(widths), _HEIGHT, f"{left}: {right}")
    drawing.rect(0, 0, widths[0], _HEIGHT, fill="#3b4148")
    drawing.rect(widths[0], 0, widths[1], _HEIGHT, fill=BLUE)
    for x, width, text in ((0.0, widths[0], left), (widths[0], widths[1], right)):
        drawing.text(x + width / 2, 14, text, anchor="middle", fill="#ffffff", font_size=11)
    return str(drawing)
