"""The table of a board that a laboratory looks for: whether submissions count what is there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bmbench.leaderboards.boards.page import Entry, Page
from bmbench.leaderboards.results.record import AgreementRow, CountTallies
from bmbench.leaderboards.results.standings_record import CountStandings
from bmbench.present.words import RULES, UNDEFINED, decimal, many
from bmbench.statistics.units import FEWEST_FOR_INTERVAL

_AGAIN = "bmbench leaderboard score"


@dataclass(frozen=True, slots=True, kw_only=True)
class CountLine:
    """One row: the agreement of a submission, or of what a control says; None where it is not known."""

    name: str
    control: bool
    agreement: AgreementRow | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SharesLine:
    """The percentages of a submission's classes: means over them, and the class with the largest bias."""

    name: str
    control: bool
    off_by: float | None
    within: float | None
    furthest: str
    bias: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CountTable:
    """What a board says of counts.

    Attributes
    ----------
    about : str
        What is counted, or why nothing is.
    notes : tuple of str
        How the columns are read, and why some are empty.
    lines : tuple of CountLine
        In the order of the board; last what is the same on every image.
    shares : tuple of SharesLine
        Of those that tell classes of cells apart; controls alone have no such rows.
    """

    about: str
    notes: tuple[str, ...] = ()
    lines: tuple[CountLine, ...] = ()
    shares: tuple[SharesLine, ...] = ()


def count_table(page: Page) -> CountTable | None:
    """The counts of a board, or why it has none; None where nobody is ranked."""
    found = page.table.counts
    if not page.ranked:
        return None
    if not isinstance(found, CountStandings):
        if page.manifest.truth.visibility == "hidden":
            return CountTable(about="The ground truth is hidden. Counts would tell of it: none is published.")
        return CountTable(about=f"Scored before boards had counts; {_AGAIN} adds them.")
    rows, told = page.first_rows, any(classes_of(entry) for entry in page.ranked)
    lines = [
        CountLine(name=_name(entry), control=entry.result.control, agreement=count_agreement_of(page, entry))
        for entry in rows
    ]
    mean = decimal(found.cells, 1)
    same = CountLine(name=f"{mean} on every image", control=True, agreement=found.same_everywhere)
    return CountTable(
        about=f"Predicted minus true cells of an image, by {RULES[found.rule]}, at the threshold of each "
        f"submission. An image holds {mean} cells on average.",
        notes=tuple(_notes(page, some_unknown=any(line.agreement is None for line in lines))),
        lines=(*lines, same),
        shares=tuple(_shares(entry) for entry in rows if classes_of(entry)) if told else (),
    )


def _name(entry: Entry) -> str:
    """A control by its name alone: what it stands for is said in the ranking."""
    card = entry.result.card
    if not entry.result.control or card is None or entry.name != card.method:
        return entry.name
    return entry.name.partition(" (")[0]


def count_agreement_of(page: Page, entry: Entry) -> AgreementRow | None:
    """How a submission counts the cells of images; None where its result does not tell."""
    found = page.table.counts
    return found.rows.get(entry.result.id) if isinstance(found, CountStandings) else None


def classes_of(entry: Entry) -> dict[str, AgreementRow]:
    """How the percentages of each class agree; nothing where classes are not told apart."""
    counts = entry.result.counts
    return counts.classes if isinstance(counts, CountTallies) else {}


def _notes(page: Page, *, some_unknown: bool) -> Iterator[str]:
    n, unit = page.table.n_units, page.table.unit
    if n < FEWEST_FOR_INTERVAL:
        yield (
            "Bias: the mean difference. Off by: without sign. No limits of agreement, no concordance and no "
            f"intervals: {many(n, unit)} cannot show how {unit}s differ."
        )
    else:
        yield (
            f"Bias: the mean difference, and what other {unit}s and trainings would make of it (95 %). 95 % "
            "limits: of agreement (Bland and Altman), between which the differences of single images lie. "
            "Off by: without sign. Concordance: the coefficient of Lin, 1 if every count is right."
        )
    yield (
        "The last row is the true mean, said of every image unseen. Nobody is ranked by counts: misses and "
        "false alarms cancel, and F1 says whether the right cells are found."
    )
    if some_unknown:
        yield f"{UNDEFINED} in every column: scored before boards had counts; {_AGAIN} adds them."


def _shares(entry: Entry) -> SharesLine:
    classes = classes_of(entry)
    off_by = [one.off_by for one in classes.values() if one.off_by is not None]
    within = [one.within for one in classes.values() if one.within is not None]
    biases = {name: one.bias for name, one in classes.items() if one.bias is not None}
    furthest = max(biases, key=lambda name: abs(biases[name]), default="")
    return SharesLine(
        name=_name(entry),
        control=entry.result.control,
        off_by=sum(off_by) / len(off_by) if off_by else None,
        within=sum(within) / len(within) if within else None,
        furthest=furthest or UNDEFINED,
        bias=biases.get(furthest),
    )
