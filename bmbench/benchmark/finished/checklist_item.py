"""What a checklist asks, as data."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ChecklistItem:
    """An item of a checklist.

    Attributes
    ----------
    number : str
        As the publication counts.
    section : str
    asks : str
        What is to be reported, in our words.
    facts : tuple of str
        Names of facts that answer it (`bmbench.benchmark.finished.facts`): without the first it is not
        answered, the others add to it. Empty: the author has to.
    not_applicable : str
        Why a run cannot have it; empty where it can.
    """

    number: str
    section: str
    asks: str
    facts: tuple[str, ...] = ()
    not_applicable: str = ""


def items_of(*sections: tuple[str, tuple[tuple[str, str, str], ...]]) -> tuple[ChecklistItem, ...]:
    """Items from a table: in each section a number, what is asked, and names of facts with blanks between.

    What begins with ``none:`` instead of names says why the item does not apply.
    """
    return tuple(
        ChecklistItem(
            number=number,
            section=section,
            asks=asks,
            facts=() if answer.startswith("none:") else tuple(answer.split()),
            not_applicable=answer.removeprefix("none:").strip() if answer.startswith("none:") else "",
        )
        for section, rows in sections
        for number, asks, answer in rows
    )
