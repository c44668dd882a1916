"""Numbers and tables as the report shows them: per cent as in the study, aligned to be read as plain text."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bmbench.benchmark.reproduce.report.seed_means import Estimate
    from bmbench.metrics import Geometry

UNDEFINED = "–"
RULES: Mapping[Geometry, str] = MappingProxyType({"bb": "boxes", "cd": "centres"})
WIDTH = 80
"""Columns that paragraphs are filled to."""


def percent(value: float | None) -> str:
    """A score in per cent, "95.2"; a dash where it is undefined."""
    return UNDEFINED if value is None else f"{100 * value:.1f}"


def span(interval: tuple[float, float] | None) -> str:
    """An interval of a score in per cent, "93.0–96.8"; a dash where there is none."""
    return UNDEFINED if interval is None else f"{100 * interval[0]:.1f}–{100 * interval[1]:.1f}"


def points(value: float | None) -> str:
    """A difference of scores in points (hundredths), "+1.2" with a true minus sign."""
    if value is None:
        return UNDEFINED
    text = f"{100 * value:+.1f}"
    return "0.0" if float(text) == 0 else text.replace("-", "\u2212")


def gap(estimate: Estimate) -> str:
    """A difference with its interval, "+1.2 [−0.3, +2.9]"."""
    if estimate.value is None or estimate.interval is None:
        return points(estimate.value)
    low, high = estimate.interval
    return f"{points(estimate.value)} [{points(low)}, {points(high)}]"


def listed(texts: Sequence[str]) -> str:
    """Texts as one enumeration, "a, b and c"."""
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} and {texts[-1]}"


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


def table(header: Sequence[str], rows: Sequence[Sequence[str]], *, left: int = 1) -> str:
    """A Markdown table whose columns line up; the first `left` columns are text, the others numbers."""
    widths = [max(len(row[place]) for row in (header, *rows)) for place in range(len(header))]
    widths = [max(width, 3) for width in widths]

    def line(cells: Sequence[str]) -> str:
        padded = [
            cell.ljust(width) if place < left else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ]
        return f"| {' | '.join(padded)} |"

    rule = ["-" * width if place < left else "-" * (width - 1) + ":" for place, width in enumerate(widths)]
    return "\n".join([line(header), line(rule), *map(line, rows)])
