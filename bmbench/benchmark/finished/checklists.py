"""Reporting checklists, filled from the records of a run and from nothing else.

An item is *from the run* where the records hold what it asks for, *to be written by you* where they do not,
and *not applicable* where a run of a benchmark cannot have it. Nothing is ever guessed: an item whose facts
are missing, as in runs of older versions, is left to the author.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from bmbench.benchmark.finished.bias import BIAS, BIAS_TITLE
from bmbench.benchmark.finished.checklist_item import ChecklistItem
from bmbench.benchmark.finished.claim import CLAIM, CLAIM_TITLE
from bmbench.benchmark.finished.facts import facts_of
from bmbench.benchmark.finished.model_card import MODEL_CARD, MODEL_CARD_TITLE
from bmbench.benchmark.finished.tables import SCORED_FROM
from bmbench.benchmark.records.run_folder import RunDir
from bmbench.benchmark.records.seal import warn_unsealed
from bmbench.core.errors import UnknownNameError
from bmbench.present.words import many

Status: TypeAlias = Literal["from the run", "to be written by you", "not applicable"]
STATUSES: tuple[Status, ...] = ("from the run", "to be written by you", "not applicable")

CHECKLISTS: Mapping[str, tuple[str, Sequence[ChecklistItem]]] = {
    "claim": (CLAIM_TITLE, CLAIM),
    "card": (MODEL_CARD_TITLE, MODEL_CARD),
    "bias": (BIAS_TITLE, BIAS),
}
"""Name → title and items."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FilledItem:
    """An item with what is said of it; `text` is empty where the author has to write it."""

    item: ChecklistItem
    status: Status
    text: str

    def to_json(self) -> dict[str, Any]:
        """The item as ``bmbench report --json`` prints it."""
        of = {"number": self.item.number, "section": self.item.section, "asks": self.item.asks}
        return {**of, "status": self.status, "text": self.text}


def filled(path: Path, name: str) -> list[FilledItem]:
    """Every item of a checklist, filled from the finished run in a folder.

    Raises
    ------
    BadInputError
        If it is no finished run, its records are damaged, or there is no checklist of that name.
    """
    if name not in CHECKLISTS:
        raise UnknownNameError("checklist", name, CHECKLISTS)
    run = RunDir.open(path)
    warn_unsealed(run.check_seal(*SCORED_FROM))
    facts = facts_of(run)
    return [_filled(item, facts) for item in CHECKLISTS[name][1]]


def checklist_text(path: Path, name: str, answers: Sequence[FilledItem]) -> str:
    """A filled checklist as Markdown."""
    counts = {status: sum(one.status == status for one in answers) for status in STATUSES}
    lines = [
        f"# {CHECKLISTS[name][0]}",
        "",
        f"Of the run `{path.resolve().name}`. {many(len(answers), 'item')}: "
        + ", ".join(f"{n} {status}" for status, n in counts.items())
        + ".",
        "Items are in words of bmbench; the publication has the full ones.",
    ]
    section = None
    for one in answers:
        if one.item.section != section:
            section = one.item.section
            lines += ["", f"## {section}"]
        lines += ["", f"**{one.item.number}. {one.item.asks}** *{one.status}*", ""]
        lines += [_plain(one.text) if one.text else "…"]
    return "\n".join(lines) + "\n"


def _filled(item: ChecklistItem, facts: Mapping[str, str]) -> FilledItem:
    if item.not_applicable:
        return FilledItem(item=item, status="not applicable", text=item.not_applicable)
    if not item.facts or item.facts[0] not in facts:
        return FilledItem(item=item, status="to be written by you", text="")
    return FilledItem(
        item=item, status="from the run", text=" ".join(facts[name] for name in item.facts if name in facts)
    )


def _plain(text: str) -> str:
    """A sentence of facts as Markdown shows it: names of a stranger's files are no tags, links or tables."""
    for sign in "<>|[]":
        text = text.replace(sign, f"\\{sign}")
    return text.replace("\n", " ")
