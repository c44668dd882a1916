"""Pages to texts: Markdown and a site of single files that need no server and load nothing."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from bmbench.leaderboards.boards import plots, statements, words
from bmbench.leaderboards.boards.page import Entry, Page, reason
from bmbench.leaderboards.results.standings import MOST_SHOWN
from bmbench.leaderboards.tracks.names import is_link
from bmbench.present.markdown import escaped
from bmbench.present.words import RULES, decimal, points

if TYPE_CHECKING:
    from jinja2 import Environment

_TEMPLATES = "bmbench.leaderboards.boards"


def markdown(pages: Sequence[Page]) -> dict[str, str]:
    """The Markdown boards and their plots, by path below ``boards/``."""
    texts = {"README.md": _environment().get_template("index.md.j2").render(pages=pages)}
    template = _environment().get_template("track.md.j2")
    for page in pages:
        images = page.images()
        texts[f"{page.manifest.name}.md"] = _tidy(
            template.render(
                page=page,
                primary=page.manifest.metrics[0],
                facts=statements.facts(page),
                statements=[Markup(text) for text in statements.statements(page, escaped)],
                planning=statements.planning(page),
                images=[(name, statements.image_title(name)) for name in images],
            )
        )
        texts |= {f"img/{name}": drawing for name, drawing in images.items()}
    return texts


def site(pages: Sequence[Page]) -> dict[str, str]:
    """The pages of the site, by path below ``boards/site/``."""
    cards = [entry.result.card for page in pages for entry in page.ranked]
    texts = {
        "index.html": _page(
            "index.html.j2",
            "board.js",
            heading="Leaderboards of cell detection in bone marrow",
            pages=pages,
            annotations=sorted({card.annotations for card in cards if card}),
            families=sorted({card.family for card in cards if card}),
        ),
        "compare.html": _page(
            "compare.html.j2",
            "compare.js",
            heading="Compare two submissions",
            pages=pages,
            data=_json({page.manifest.name: _comparison(page) for page in pages}),
        ),
    }
    for page in pages:
        for entry in page.ranked:
            texts[f"{page.manifest.name}/{entry.result.id}.html"] = _page(
                "submission.html.j2",
                None,
                root="../",
                heading=entry.name,
                page=page,
                entry=entry,
                drawings=_own_drawings(page, entry),
            )
    return texts


def _page(template: str, script: str | None, *, root: str = "", **values: Any) -> str:
    style = _resource("site.css")
    code = _resource(script) if script else None
    text: str = (
        _environment()
        .get_template(template)
        .render(
            style=Markup(style),
            style_hash=_csp_hash(style),
            script=None if code is None else Markup(code),
            script_hash="" if code is None else _csp_hash(code),
            root=root,
            **values,
        )
    )
    return _tidy(text)


def _own_drawings(page: Page, entry: Entry) -> list[tuple[str, Markup]]:
    drawings = []
    for rule in sorted(entry.result.rules, reverse=True):
        title = statements.image_title(f"-curves-{rule}.")
        drawings.append((title, Markup(plots.pr_curves([entry.result], rule, page.names))))
    return drawings


def _drawings(page: Page) -> list[tuple[str, Markup]]:
    # The drawings escape every name that they hold.
    return [(statements.image_title(name), Markup(text)) for name, text in page.images().items()]


def _comparison(page: Page) -> dict[str, Any]:
    """What the compare page needs of a track: the best submissions and all gaps between them."""
    entries = page.ranked[:MOST_SHOWN]
    return {
        "entries": [
            {
                "id": entry.result.id,
                "name": entry.name,
                "values": {name: one.value for name, one in entry.result.metrics.items()},
                "curves": {
                    RULES[rule]: {
                        name: [round(value, 3) for value in getattr(found.curve, name)]
                        for name in ("precision", "low", "high")
                    }
                    for rule, found in entry.result.rules.items()
                },
            }
            for entry in entries
        ],
        "metrics": [
            {
                "name": metric.name,
                "title": words.metric_title(metric.name),
                "order": [place.id for place in metric.places],
                "pairs": [
                    [pair.first, pair.second, pair.value, pair.low, pair.high, pair.p, pair.apart]
                    for pair in metric.pairs or ()
                ],
            }
            for metric in page.table.metrics
        ],
    }


def _json(value: Any) -> Markup:
    """JSON that may stand in a script element: nothing in it can end the element."""
    text = json.dumps(value, separators=(",", ":"), sort_keys=True, allow_nan=False)
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return Markup(text)


def _csp_hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _tidy(text: str) -> str:
    lines = [line.rstrip() for line in text.splitlines()]
    kept = [line for row, line in enumerate(lines) if line or (row and lines[row - 1])]
    return "\n".join(kept).strip("\n") + "\n"


def _resource(name: str) -> str:
    return (files(_TEMPLATES) / "templates" / name).read_text("utf-8")


@cache
def _environment() -> Environment:
    """The templates, with autoescape on for all of them: jinja's own choice leaves .md and .j2 out."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_resource),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=False,
        lstrip_blocks=False,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "md": words.md_cell,
        "metric": words.metric_title,
        "rule": RULES.__getitem__,
        "ranks": words.ranks,
        "estimate": words.estimate,
        "gap": words.gap,
        "points": points,
        "pvalue": words.p_value,
        "number": decimal,
        "spread": words.spread,
        "reason": reason,
        "is_link": is_link,
        "question": statements.question,
        "verdict": statements.verdict,
        "first": statements.first,
        "facts": statements.facts,
        "statements": statements.statements,
        "planning": statements.planning,
        "drawings": _drawings,
    }
    return environment
