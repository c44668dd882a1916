"""What `bmbench models` prints: a row a model, or one whole card."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from bmbench.benchmark.models.places import shipped_models
from bmbench.benchmark.models.record import MeasuredScore, ModelRecord, read_model
from bmbench.core.gate import files_in
from bmbench.present.terminal import terminal_table, text_table
from bmbench.present.words import UNDEFINED, with_interval


def models_table() -> Table:
    """Every model that comes with the package: what it finds, its size, its licence."""
    table = text_table(("model", "finds", "method", "MB", "licence"), wraps="finds")
    for name, folder in shipped_models().items():
        record = read_model(folder)
        size = f"{size_mb(folder):.1f}"
        table.add_row(name, escape(record.card.finds), record.method, size, escape(record.card.licence))
    table.caption = "bmbench models NAME shows the card of one: data, scores, where it fails"
    table.caption_justify = "left"
    return table


def models_record() -> list[dict[str, Any]]:
    """What ``bmbench models --json`` prints."""
    return [model_record(folder) for folder in shipped_models().values()]


def model_record(folder: Path) -> dict[str, Any]:
    """What ``bmbench models NAME --json`` prints."""
    record: dict[str, Any] = msgspec.to_builtins(read_model(folder))
    return record | {"folder": str(folder), "size_mb": round(size_mb(folder), 2)}


def card_parts(folder: Path) -> Iterator[Padding | Table]:
    """The card of a model: sentences, indented below what they belong to, and the scores as a table."""
    for part in _card(folder):
        if isinstance(part, str):
            text = part.lstrip()
            yield Padding(Text(text), (0, 0, 0, len(part) - len(text)), expand=False)
        else:
            yield part


def _card(folder: Path) -> Iterator[str | Table]:
    record = read_model(folder)
    card = record.card
    yield f"{record.name}: {card.title}"
    yield f"finds: {card.finds}"
    yield f"method: {record.method}, threshold {_number(record.threshold)}, {size_mb(folder):.1f} MB"
    yield f"licence: {card.licence}"
    yield f"recipe: {card.recipe} (bmbench {record.bmbench})"
    if card.advice:
        yield f"use with: {card.advice}"
    yield "learned from:"
    for one in card.data:
        yield f"  {one.dataset} ({one.licence}): {one.images:,} images, {one.cells:,} cells; {one.citation}"
    if card.scores:
        yield _scores(record)
    if card.limits:
        yield "where it fails:"
    for limit in card.limits:
        yield f"  {limit}"


def size_mb(folder: Path) -> float:
    """Millions of bytes of a model's files."""
    return sum(path.stat().st_size for path in files_in(folder, within=folder, deep=True)) / 1e6


def _scores(record: ModelRecord) -> Table:
    ways = "; ".join(sorted({score.how for score in record.card.scores}))
    heads = ("F1, centres", "AP", "F1 of blob_log")
    caption = f"sets that it never saw, at its own threshold; blob_log learned from the same; {escape(ways)}"
    table = terminal_table("tested on", heads, title="scores", caption=caption)
    for score in record.card.scores:
        table.add_row(*_row(score))
    return table


def _row(score: MeasuredScore) -> list[str]:
    return [
        escape(score.on),
        with_interval(score.f1, score.f1_ci),
        _number(score.ap),
        with_interval(score.baseline, score.baseline_ci),
    ]


def _number(value: float | None) -> str:
    return UNDEFINED if value is None else f"{value:.3f}"
