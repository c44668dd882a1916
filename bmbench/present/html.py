"""Tables in a notebook, and whole pages: what `bmbench.present.terminal` builds, as HTML."""

import base64
import hashlib
from collections.abc import Iterable, Sequence
from html import escape

from rich.console import Console
from rich.table import Table
from rich.text import Text

_STYLE = "border-collapse:collapse;margin:.4rem 0;font-variant-numeric:tabular-nums"
_CELL = "padding:.15rem .7rem;border-bottom:1px solid rgba(128,128,128,.35)"
PAGE_STYLE = """
:root { color-scheme: light dark; --line: light-dark(#d8dee4, #3d444d); --link: light-dark(#0550ae, #79c0ff) }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; margin: 1rem 0; display: block; overflow-x: auto;
  font-variant-numeric: tabular-nums }
th, td { padding: .25rem .8rem; border-bottom: 1px solid var(--line); text-align: right }
th:first-child, td:first-child, td.text, th.text { text-align: left }
tr.bold { font-weight: bold }
.scroll { overflow-x: auto; margin: 1rem 0 }
.scroll table { display: table; min-width: 100%; margin: 0 }
.scroll :is(th, td):first-child { position: sticky; left: 0; background: Canvas; max-width: 50vw }
img { max-width: 100%; height: auto; background: #ffffff }
figure { margin: 1.5rem 0 }
figcaption { font-size: .9rem }
summary { cursor: pointer; padding: .3rem 0 }
a { color: var(--link) }
h1, h2, h3 { overflow-wrap: anywhere; line-height: 1.2 }
h2 { margin-top: 2.5rem }
"""
"""How the pages look that bmbench writes as one file."""
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


def plain_table(table: Table) -> str:
    """A table for a page of `html_page`, which tells how it looks."""
    heads = "".join(f"<th>{_words(column.header)}</th>" for column in table.columns)
    cells = [[*column.cells] for column in table.columns]
    rows = [
        f"<tr{' class=bold' if row.style == 'bold' else ''}>"
        + "".join(f"<td>{_words(some[number])}</td>" for some in cells)
        + "</tr>"
        for number, row in enumerate(table.rows)
    ]
    title = f"<h3>{_words(table.title)}</h3>" if table.title else ""
    caption = f"<p><small>{_words(table.caption)}</small></p>" if table.caption else ""
    return f"{title}<table><tr>{heads}</tr>{''.join(rows)}</table>{caption}"


def html_page(title: str, body: str) -> str:
    """A whole page with one look of its own, which may load nothing: no script, no file, no address."""
    digest = base64.b64encode(hashlib.sha256(PAGE_STYLE.encode()).digest()).decode()
    policy = f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'"
    head = (
        "<!doctype html><html lang='en'><meta charset='utf-8'>"
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        f"<title>{escape(title)}</title><style>{PAGE_STYLE}</style>"
    )
    return f"{head}\n<body>\n{body}\n</body></html>\n"


def page_table(header: Sequence[str], rows: Iterable[Sequence[str]], text: tuple[int, ...] = ()) -> str:
    """A table of texts for such a page; the columns of `text` stand to the left, as the first does."""

    def line(kind: str, cells: Sequence[str]) -> str:
        return "".join(
            f"<{kind}{' class=text' if n in text else ''}>{escape(cell)}</{kind}>"
            for n, cell in enumerate(cells)
        )

    head = f"<tr>{line('th', header)}</tr>" if any(header) else ""
    lines = [f"<tr>{line('td', row)}</tr>" for row in rows]
    return f"<table>{head}{''.join(lines)}</table>"


def embedded_png(png: bytes, words: str) -> str:
    """A picture with its bytes inside; `words` say what it shows to who cannot see it."""
    return f"<img alt='{escape(words)}' src='data:image/png;base64,{base64.b64encode(png).decode()}'>"


def text_of(tables: Iterable[Table]) -> str:
    """The same tables as a terminal of `WIDTH` columns shows them, without colours."""
    # In a notebook rich would show the tables itself, and hand back codes of a terminal.
    console = Console(
        width=WIDTH, color_system=None, force_terminal=False, force_jupyter=False, highlight=False
    )
    with console.capture() as shown:
        for table in tables:
            console.print(table)
    return "\n".join(line.rstrip() for line in shown.get().splitlines())


def _side(justify: str) -> str:
    return "right" if justify == "right" else "left"


def _words(text: object) -> str:
    plain = text.plain if isinstance(text, Text) else Text.from_markup(str(text)).plain
    return escape(plain).replace("\n", "<br>")
