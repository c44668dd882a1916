"""Tables in a notebook: what `bmbench.present.terminal` builds, as HTML."""

from collections.abc import Iterable
from html import escape

from rich.console import Console
from rich.table import Table
from rich.text import Text

_STYLE = "border-collapse:collapse;margin:.4rem 0;font-variant-numeric:tabular-nums"
_CELL = "padding:.15rem .7rem;border-bottom:1px solid rgba(128,128,128,.35)"
WIDTH = 80
"""Columns of a table as text: a terminal that nobody widened."""


def html_table(table: Table) -> str:
    """A table as HTML, with its title and caption; it takes the colours of the page that it stands in."""
    heads = "".join(
        f"<th style='{_CELL};text-align:{_side(column.justify)}'>{_words(column.header)}</th>"
        for column in table.columns
    )
    cells = [[*column.cells] for column in table.columns]
    lines = []
    for number, row in enumerate(table.rows):
        weight = ";font-weight:bold" if row.style == "bold" else ""
        values = "".join(
            f"<td style='{_CELL};text-align:{_side(column.justify)}{weight}'>{_words(some[number])}</td>"
            for column, some in zip(table.columns, cells, strict=True)
        )
        lines.append(f"<tr>{values}</tr>")
    head = f"<thead><tr>{heads}</tr></thead>" if table.show_header else ""
    title = f"<div><b>{_words(table.title)}</b></div>" if table.title else ""
    caption = f"<div><small>{_words(table.caption)}</small></div>" if table.caption else ""
    return f"<div>{title}<table style='{_STYLE}'>{head}<tbody>{''.join(lines)}</tbody></table>{caption}</div>"


def text_of(tables: Iterable[Table]) -> str:
    """The same tables as a terminal of `WIDTH` columns shows them, without colours."""
    console = Console(width=WIDTH, no_color=True, force_terminal=False, highlight=False)
    with console.capture() as shown:
        for table in tables:
            console.print(table)
    return "\n".join(line.rstrip() for line in shown.get().splitlines())


def _side(justify: str) -> str:
    return "right" if justify == "right" else "left"


def _words(text: object) -> str:
    plain = text.plain if isinstance(text, Text) else Text.from_markup(str(text)).plain
    return escape(plain).replace("\n", "<br>")
