"""What a report is made of, written once and shown twice: as Markdown and as one page of HTML."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TypeAlias

from bmbench.core.gate import read_bytes
from bmbench.present.html import html_page
from bmbench.present.markdown import bullets, paragraph, table


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """A heading of level 1 to 3."""

    level: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TextGrid:
    """A table of texts, of which the first `left` columns are words and the others numbers."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    left: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Bullets:
    """A list."""

    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportPicture:
    """A JPEG or PNG file beside the report, and what is to be seen on it."""

    path: Path
    what: str


Block: TypeAlias = "Heading | TextGrid | Bullets | ReportPicture | str"
"""A text by itself is a paragraph; everywhere `code`, **bold** and *slanted* are marked as in Markdown."""


def to_markdown(blocks: Sequence[Block]) -> str:
    """The report as Markdown."""
    return "\n\n".join(text for block in blocks if (text := _markdown(block))) + "\n"


def to_html(title: str, blocks: Sequence[Block]) -> str:
    """The report as one page that loads nothing."""
    return html_page(title, "\n".join(map(_html, blocks)))


def _markdown(block: Block) -> str:
    if isinstance(block, str):
        return paragraph(block)
    if isinstance(block, Heading):
        return f"{'#' * block.level} {block.text}"
    if isinstance(block, Bullets):
        return bullets(block.texts)
    if isinstance(block, ReportPicture):
        return f"![{block.what}]({block.path.name})"
    return table(block.header, block.rows, left=block.left) if block.rows else ""


def _html(block: Block) -> str:
    if isinstance(block, str):
        return f"<p>{_marked(block)}</p>" if block else ""
    if isinstance(block, Heading):
        return f"<h{block.level}>{_marked(block.text)}</h{block.level}>"
    if isinstance(block, Bullets):
        return f"<ul>{''.join(f'<li>{_marked(text)}</li>' for text in block.texts)}</ul>"
    if isinstance(block, ReportPicture):
        data = base64.b64encode(read_bytes(block.path)).decode()
        kind = "png" if block.path.suffix == ".png" else "jpeg"
        return f'<img alt="{escape(block.what)}" src="data:image/{kind};base64,{data}">'
    if not block.rows:
        return ""
    lines = [_line("th", block.header, block.left), *(_line("td", row, block.left) for row in block.rows)]
    return f"<table>{''.join(lines)}</table>"


def _line(kind: str, cells: Sequence[str], left: int) -> str:
    shown = (
        f"<{kind} class=text>{_marked(cell)}</{kind}>"
        if place < left
        else f"<{kind}>{_unbroken(_marked(cell), kind)}</{kind}>"
        for place, cell in enumerate(cells)
    )
    return f"<tr>{''.join(shown)}</tr>"


def _unbroken(html: str, kind: str) -> str:
    """A number with its interval, which no line break takes apart; headers may be broken."""
    return html if kind == "th" else html.replace(" ", "\u00a0").replace("–", "\u2060–\u2060")


def _marked(text: str) -> str:
    code = re.sub(r"`([^`]*)`", r"<code>\1</code>", escape(text))
    bold = re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", code)
    return re.sub(r"\*(\S[^*]*?)\*", r"<i>\1</i>", bold)
