"""Tables about data sets and formats for a terminal."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from bmbench.core.dataset import Dataset, DatasetCard, LoadRequest, Split
from bmbench.core.progress import Progress
from bmbench.core.types import Category
from bmbench.datasets.describe.faults import Fault
from bmbench.datasets.describe.info import DatasetInfo
from bmbench.datasets.splits.balanced import Balance, TooFewToSplitError
from bmbench.datasets.weak.weakness import WeakStatistics
from bmbench.present.terminal import facts_table, terminal_table, text_table
from bmbench.present.words import UNDEFINED, count, counted, decimal, share

if TYPE_CHECKING:
    # With all formats that it reads: a fifth of the start of `bmbench datasets info`.
    from bmbench.datasets.exchange.correction import Changes


def datasets_table() -> RenderableType:
    """Every data set that bmbench knows, a few lines each: counts, modality, licence, citation."""
    from bmbench.datasets import DATASETS
    from bmbench.datasets.fetch.store import stored_folder

    heads = ("data set", "images", "cells", "MB", "annotation", "here")
    lines: list[RenderableType] = [Text(_columns(*heads), style="bold"), Text("─" * 62)]
    found, problems = DATASETS.loaded()
    for name, dataset in found.items():
        card = dataset.card
        here = "yes" if not card.source or stored_folder(name) is not None else "no"
        counts = (count(card.images), count(card.cells), count(card.size_mb))
        lines.append(Text(_columns(name, *counts, card.annotation, here)))
        terms = f"{card.modality} · licence: {card.licence} · {card.cite_as or card.citation}"
        lines.append(Padding(Text(terms, style="dim"), (0, 0, 0, 4)))
    lines += [Text(f"left out: {problem}") for problem in problems]
    lines.append(Text("\nOne set in full: bmbench datasets list NAME", style="dim"))
    return Group(*lines)


def card_table(dataset: str) -> Table:
    """The card of one set, its files unread."""
    from bmbench.datasets import DATASETS
    from bmbench.datasets.fetch.store import stored_folder

    card = DATASETS.get(dataset).card
    folder = stored_folder(dataset)
    if not card.source:
        here = "it is part of bmbench"
    elif folder is not None:
        here = str(folder)
    elif card.manifest or card.download:
        here = f"no; bmbench datasets fetch {dataset}"
    else:
        here = f"no; {card.access}"
    size = "" if card.size_mb is None else f", {count(card.size_mb)} MB"
    cells = "" if card.cells is None else f", {count(card.cells)} cells"
    rows = (
        *_card_rows(card),
        ("images", f"{count(card.images)}{cells}{size}"),
        ("matching radius", f"{card.radius_px:g} px"),
        ("protocol", card.protocol),
        ("here", here),
    )
    return facts_table(card.name, rows)


def datasets_record() -> dict[str, Any]:
    """What ``bmbench datasets list --json`` prints: every card, and what of others cannot be loaded."""
    from bmbench.datasets import DATASETS

    found, problems = DATASETS.loaded()
    return {"datasets": [card_record(name) for name in found], "left_out": problems}


def card_record(dataset: str) -> dict[str, Any]:
    """The card of one set as JSON holds it, and whether its files are here."""
    from bmbench.datasets import DATASETS
    from bmbench.datasets.fetch.store import stored_folder

    card = DATASETS.get(dataset).card
    here = not card.source or stored_folder(dataset) is not None
    return dataclasses.asdict(card) | {"here": here}


def described_record(
    dataset: str, progress: Progress, *, data: Path | None, options: Mapping[str, str]
) -> dict[str, Any]:
    """What ``bmbench datasets info --json`` prints: the card, what the set holds, the faults found."""
    from bmbench.datasets.describe.info import describe

    chosen, split, faults = _looked_through(dataset, progress, data=data, options=options)
    held = dataclasses.asdict(describe(split))
    return {"card": dataclasses.asdict(chosen.card), **held, "found": [dataclasses.asdict(f) for f in faults]}


def _columns(*cells: str) -> str:
    return "{:<16}{:>6}{:>9}{:>10}  {:<12}{}".format(*cells)


def describe_dataset(
    dataset: str,
    progress: Progress,
    *,
    data: Path | None,
    options: Mapping[str, str],
    page: Path | None = None,
) -> Iterator[Table]:
    """The card of a data set, its objects by class and subset, the faults found; its page, if asked for."""
    from bmbench.datasets.describe.info import describe
    from bmbench.datasets.describe.measures import measure
    from bmbench.datasets.weak.weakness import weak_statistics
    from bmbench.present.dataset_page import write_page

    chosen, split, faults = _looked_through(dataset, progress, data=data, options=options)
    info = describe(split)
    yield _card_table(chosen.card, info, split_from=split.split_from)
    yield _subsets_table(info)
    samples = [sample for part in split.samples.values() for sample in part]
    weak = weak_statistics(samples)
    if weak:
        yield _weak_table(weak, len(samples))
    if faults:
        yield _faults_table(faults)
    if page is not None:
        write_page(page, chosen.card, split, table=info.subsets, measures=measure(split), faults=faults)


def _looked_through(
    dataset: str, progress: Progress, *, data: Path | None, options: Mapping[str, str]
) -> tuple[Dataset, Split, tuple[Fault, ...]]:
    """A data set, loaded, and what is wrong with it; every image is read."""
    from bmbench.datasets import open_dataset
    from bmbench.datasets.describe.faults import find_faults
    from bmbench.datasets.splits.leakage import reading_once

    chosen = open_dataset(dataset, data=data, options=options)
    look = reading_once(progress)
    request = LoadRequest(data=data, options=options, look=look)
    try:
        split = chosen.load(request)
    except TooFewToSplitError:
        # A set is looked at before it is large enough to be trained on.
        split = chosen.load(dataclasses.replace(request, options={**options, "split_by": "none"}))
    samples = [sample for part in split.samples.values() for sample in part]
    faults = (*_of_variants(chosen, split, request), *find_faults(split, tuple(look(samples).values())))
    return chosen, split, faults


def balance_table(
    table: Sequence[Balance], categories: Sequence[Category], *, title: str | None = None
) -> Table:
    """Images, groups and objects of each class by subset, with the subset's share of the class."""
    shown = terminal_table("", (part.subset for part in table), title=title, wrap=True)
    shown.add_row("images", *(f"{part.images:,}" for part in table))
    shown.add_row("groups", *(f"{part.groups:,}" for part in table))
    for row, category in enumerate(categories):
        shown.add_row(
            category.name, *(counted(part.objects[row], part.shares[row], digits=1) for part in table)
        )
    return shown


def formats_table() -> Table:
    """Every format, the ending of its files, and what it can carry."""
    from bmbench.datasets.formats import FORMATS

    table = text_table(("format", "what it is", "files", "carries, beside boxes"))
    found, problems = FORMATS.loaded()
    for name, codec in found.items():
        carried = ", ".join(sorted(codec.carries)) or UNDEFINED
        if codec.write is None:
            carried = "only read"
        table.add_row(name, codec.title, " ".join(codec.extensions), carried)
    if problems:
        table.caption = "\n".join(f"left out: {escape(problem)}" for problem in problems)
        table.caption_justify = "left"
    return table


def changes_line(changes: Changes) -> str:
    """What a correction did, in one line."""
    return (
        f"{changes.kept} kept, {changes.moved} moved, {changes.renamed} given another class, "
        f"{changes.deleted} deleted, {changes.added} added"
    )


def _of_variants(chosen: Dataset, split: Split, request: LoadRequest) -> list[Fault]:
    """What other annotations of the same pixels have, where their files are at hand."""
    from bmbench.core.errors import BadInputError
    from bmbench.datasets import DATASETS
    from bmbench.datasets.describe.faults import left_to_other_annotators

    found = []
    for name in chosen.card.also_scored_as:
        try:
            variant = DATASETS.get(name).load(request)
        except BadInputError:
            continue
        fault = left_to_other_annotators(split, variant, name)
        found += [fault] if fault is not None else []
    return found


def _faults_table(faults: Sequence[Fault]) -> Table:
    table = terminal_table("what", ("how many",), title="faults found", wrap=True)
    table.add_column("where", overflow="fold")
    for fault in faults:
        table.add_row(escape(fault.kind), f"{fault.count:,}", escape(fault.text))
    return table


def _weak_table(statistics: Sequence[WeakStatistics], images: int) -> Table:
    """What circles instead of outlines do to these cells, a column a jitter."""
    jitters = (f"jitter {part.jitter_px:.2f} px" for part in statistics)
    table = terminal_table("", jitters, title="weak circles", wrap=True)
    table.add_row("circles", *(f"{part.circles:,}" for part in statistics))
    table.add_row("overlap another one", *(share(part.overlapping) for part in statistics))
    table.add_row("images covered by circles", *(share(part.covered) for part in statistics))
    table.add_row("· of that, by two or more", *(share(part.covered_twice) for part in statistics))
    table.add_row("· of that, no cell", *(share(part.not_cell) for part in statistics))
    table.add_row("images covered by cells", *(share(part.cells) for part in statistics))
    table.add_row("· of that, in no circle", *(share(part.missed) for part in statistics))
    table.add_row("area of a circle, in cells (median)", *(decimal(part.cover, 2) for part in statistics))
    if statistics[0].counted_on < images:
        table.caption = f"shares of areas: from {statistics[0].counted_on} of {images:,} images"
        table.caption_justify = "left"
    return table


def _card_rows(card: DatasetCard) -> tuple[tuple[str, str], ...]:
    return (
        ("what it is", card.title),
        ("modality", card.modality),
        ("annotation", card.annotation),
        ("licence", card.licence),
        ("citation", card.citation or UNDEFINED),
        ("source", card.source or "embedded"),
    )


def _card_table(card: DatasetCard, info: DatasetInfo, *, split_from: str) -> Table:
    sizes = ", ".join(f"{n} of {width} × {height} px" for width, height, n in info.image_sizes[:3])
    more = f" and {len(info.image_sizes) - 3} other sizes" if len(info.image_sizes) > 3 else ""
    mean = UNDEFINED if info.mean_diameter_px is None else f"{info.mean_diameter_px:.1f} px"
    rows = (
        *_card_rows(card),
        ("images", sizes + more),
        ("mean cell diameter", mean),
        ("matching radius", f"{info.radius_px:g} px"),
        ("protocol", card.protocol),
        *([("split", split_from)] if split_from else []),
        ("hash", info.hash[:16]),
    )
    return facts_table(card.name, rows)


def _subsets_table(info: DatasetInfo) -> Table:
    """Rows: images, groups, then a class each; columns: subsets."""
    table = terminal_table("", (subset.subset for subset in info.subsets), wrap=True)
    table.add_row("images", *(f"{subset.images:,}" for subset in info.subsets))
    table.add_row("groups", *(f"{subset.groups:,}" for subset in info.subsets))
    for row, category in enumerate(info.categories):
        name = f"{category.name} (artefact)" if category.artefact else category.name
        table.add_row(name, *(f"{subset.objects[row]:,}" for subset in info.subsets))
    return table
