"""Markdown: tables that line up to be read as plain text, paragraphs, cells that hold a stranger's text."""

import re
from collections.abc import Sequence

WIDTH = 80
"""Columns that paragraphs are filled to."""
_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")


def row(cells: Sequence[str]) -> str:
    """One row of a table."""
    return f"| {' | '.join(cells)} |"


def table(header: Sequence[str], rows: Sequence[Sequence[str]], *, left: int = 1) -> str:
    """A table whose columns line up; the first `left` columns are text, the others numbers."""
    widths = [max(3, *(len(cells[place]) for cells in (header, *rows))) for place in range(len(header))]

    def line(cells: Sequence[str]) -> str:
        return row(
            [
                cell.ljust(width) if place < left else cell.rjust(width)
                for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
            ]
        )

    rule = ["-" * width if place < left else "-" * (width - 1) + ":" for place, width in enumerate(widths)]
    return "\n".join([line(header), line(rule), *map(line, rows)])


def escaped(text: object) -> str:
    """A text that is only text in any cell: every ASCII sign of punctuation escaped, one line.

    ``|``, a line end, ``![](…)``, ``<`` and ``&`` would otherwise become cells, rows, images and tags.
    """
    return _PUNCTUATION.sub(r"\\\1", " ".join(str(text).split()))


def paragraph(text: str, *, indent: str = "") -> str:
    """A text filled to 80 columns; lines after the first are indented."""
    import textwrap

    return textwrap.fill(
        " ".join(text.split()),
        WIDTH,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def bullets(texts: Sequence[str]) -> str:
    """A list with one item a text."""
    return "\n".join(paragraph(f"- {text}", indent="  ") for text in texts)
