"""What a report is made of, written once and shown twice: as Markdown and as one page of HTML."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
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
    """The report as one page that loads nothing: its sections have addresses, and a list before the first."""
    parts, below, anchors = [], title, _anchors(blocks)
    contents = _contents(blocks, anchors)
    for place, block in enumerate(blocks):
        if isinstance(block, Heading):
            below = block.text
            if block.level > 1 and contents:
                parts.append(contents)
                contents = ""
        parts.append(_html(block, anchor=anchors.get(place, ""), below=below))
    return html_page(title, "\n".join(filter(None, parts)))


def _anchors(blocks: Sequence[Block]) -> dict[int, str]:
    """Place of each heading below the title → its address on the page, letters and digits alone."""
    found: dict[int, str] = {}
    for place, block in enumerate(blocks):
        if isinstance(block, Heading) and block.level > 1:
            plain = "-".join(re.findall(r"[a-z0-9_]+", block.text.lower())) or "section"
            # Each section says of the same sets what it has to say: the second time with a number.
            again = sum(name == plain or name.rpartition(".")[0] == plain for name in found.values())
            found[place] = f"{plain}.{again + 1}" if again else plain
    return found


def _contents(blocks: Sequence[Block], anchors: Mapping[int, str]) -> str:
    """Links to the sections of level 2, where there are several."""
    links = [
        f'<li><a href="#{anchors[place]}">{_marked(block.text)}</a></li>'
        for place, block in enumerate(blocks)
        if isinstance(block, Heading) and block.level == 2
    ]
    return f'<nav aria-label="Contents"><ul>{"".join(links)}</ul></nav>' if len(links) > 1 else ""


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


def _html(block: Block, *, anchor: str, below: str) -> str:
    if isinstance(block, str):
        return f"<p>{_marked(block)}</p>" if block else ""
    if isinstance(block, Heading):
        address = f' id="{anchor}"' if anchor else ""
        return f"<h{block.level}{address}>{_marked(block.text)}</h{block.level}>"
    if isinstance(block, Bullets):
        return f"<ul>{''.join(f'<li>{_marked(text)}</li>' for text in block.texts)}</ul>"
    if isinstance(block, ReportPicture):
        data = base64.b64encode(read_bytes(block.path)).decode()
        kind = "png" if block.path.suffix == ".png" else "jpeg"
        picture = f'<img alt="{escape(block.what)}" src="data:image/{kind};base64,{data}">'
        return f"<figure>{picture}<figcaption>{_marked(block.what)}</figcaption></figure>"
    if not block.rows:
        return ""
    head = _line("th scope=col", block.header, block.left)
    body = "".join(_line("td", row, block.left) for row in block.rows)
    table = f"<table><thead>{head}</thead><tbody>{body}</tbody></table>"
    # What is wider than a phone scrolls by itself, by keys too, and tells what it is a table of.
    label = escape(below.replace("`", ""))
    return f'<div class=scroll role=region tabindex=0 aria-label="{label}">{table}</div>'


def _line(tag: str, cells: Sequence[str], left: int) -> str:
    kind = tag.partition(" ")[0]
    shown = (
        f"<{tag} class=text>{_marked(cell)}</{kind}>"
        if place < left
        else f"<{tag}>{_unbroken(_marked(cell), kind)}</{kind}>"
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
