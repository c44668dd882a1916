"""The templates of all pages, with every text of a stranger escaped; one page of the site as one text."""

from __future__ import annotations

import base64
import hashlib
import json
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from bmbench.leaderboards.boards import answers, counts, statements, words
from bmbench.leaderboards.boards.page import reason
from bmbench.leaderboards.tracks.names import is_link
from bmbench.present.words import RULES, decimal, many, points, share, signed_number

if TYPE_CHECKING:
    from jinja2 import Environment

_ROOM = "bmbench.leaderboards.boards"


def html_page(template: str, scripts: tuple[str, ...], *, root: str = "", **values: Any) -> str:
    """A page that loads nothing: its policy names the digests of its one style and its scripts."""
    style = _resource("site.css")
    codes = [_resource(script) for script in scripts]
    return rendered(
        template,
        style=Markup(style),
        style_hash=_csp_hash(style),
        scripts=[Markup(code) for code in codes],
        script_hashes=[_csp_hash(code) for code in codes],
        root=root,
        **values,
    )


def rendered(template: str, **values: Any) -> str:
    """A template with its values, without spaces at ends of lines and second empty lines."""
    text: str = environment().get_template(template).render(**values)
    lines = [line.rstrip() for line in text.splitlines()]
    kept = [line for row, line in enumerate(lines) if line or (row and lines[row - 1])]
    return "\n".join(kept).strip("\n") + "\n"


def script_json(value: Any) -> Markup:
    """JSON that may stand in a script element: nothing in it can end the element."""
    text = json.dumps(value, separators=(",", ":"), sort_keys=True, allow_nan=False)
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return Markup(text)


def _csp_hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _resource(name: str) -> str:
    return (files(_ROOM) / "templates" / name).read_text("utf-8")


@cache
def environment() -> Environment:
    """The templates, with autoescape on for all of them: jinja's own choice leaves .md and .j2 out."""
    import jinja2

    made = jinja2.Environment(
        loader=jinja2.FunctionLoader(_resource),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=False,
        lstrip_blocks=False,
        keep_trailing_newline=True,
    )
    made.filters |= {
        "md": words.md_cell,
        "metric": words.metric_title,
        "rule": RULES.__getitem__,
        "ranks": words.ranks,
        "estimate": words.estimate,
        "gap": words.gap,
        "behind": words.behind,
        "points": points,
        "pvalue": words.p_value,
        "number": decimal,
        "many": many,
        "share": share,
        "signed": signed_number,
        "bias": words.bias,
        "limits": words.limits,
        "limits_in_full": words.limits_in_full,
        "concordance": words.concordance,
        "counts": counts.count_table,
        "agreement": counts.count_agreement_of,
        "classes": counts.classes_of,
        "spread": words.spread,
        "cost": words.cost,
        "costs": words.costs,
        "since": words.since,
        "reason": reason,
        "is_link": is_link,
        "question": statements.question,
        "verdict": statements.verdict,
        "in_short": answers.in_short,
        "answers": answers.answers,
        "answers_in_short": answers.answers_in_short,
        "facts": statements.facts,
        "statements": statements.statements,
        "untested": statements.untested,
        "planning": statements.planning,
    }
    return made
