"""Tables on a terminal, in one style; each reads well at 80 columns."""

from collections.abc import Iterable

from rich import box
from rich.markup import escape
from rich.table import Table


def terminal_table(
    name: str,
    numbers: Iterable[str] = (),
    *,
    title: str | None = None,
    caption: str | None = None,
    wrap: bool = False,
) -> Table:
    """A table without rows: a column of names, then columns of numbers, which stand to the right.

    Where the terminal is too narrow a name goes on in the next line; a number does so only with `wrap`.
    """
    table = Table(title=title, caption=caption, box=box.SIMPLE_HEAD, title_justify="left")
    table.add_column(name, overflow="ellipsis" if wrap else "fold")
    for number in numbers:
        table.add_column(number, justify="right", no_wrap=not wrap)
    return table


def text_table(columns: Iterable[str], *, wraps: str = "") -> Table:
    """A table of texts without rows; if one column is named, only that one goes on in the next line."""
    table = Table(box=box.SIMPLE_HEAD)
    for column in columns:
        table.add_column(column, no_wrap=bool(wraps) and column != wraps)
    return table


def facts_table(title: str, facts: Iterable[tuple[str, str]]) -> Table:
    """One row a fact: its name, and what it says."""
    table = Table(title=title, box=box.SIMPLE, show_header=False, title_justify="left")
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, text in facts:
        table.add_row(name, escape(text))
    return table
