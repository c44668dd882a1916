"""What a run's trainings did, step by step: its ``history.csv``.

::

    fit,step,training_loss,validation_loss,learning_rate,best
    first,50,0.412345,0.398123,0.001,0

`fit` is ``first`` for the detector that chooses the threshold, ``final`` for that of the checkpoint, with the
number of the model behind it where several answer together. Losses are relative to that of an answer that
knows nothing (see `bmbench.adapters.learning.fit_request.TrainingReport`). `best` is 1 for the step whose
weights are kept. Fields that a method does not report are empty; one that reports nothing leaves the first
line alone.
"""

import csv
import io
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from bmbench.core.csv_cells import CsvRows
from bmbench.core.errors import BadInputError
from bmbench.core.files import read_bytes, write_text
from bmbench.core.numerals import numeral

FILE = "history.csv"
COLUMNS = ("fit", "step", "training_loss", "validation_loss", "learning_rate", "best")


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryRow:
    """How one training stood after a number of steps; for the columns see this module."""

    fit: str
    step: int
    training_loss: float | None = None
    validation_loss: float | None = None
    learning_rate: float | None = None
    best: bool = False


@dataclass(slots=True, kw_only=True)
class FitHistory:
    """One training under way: what it reports is kept, and handed on.

    Attributes
    ----------
    fit : str
    told : functions of a row
        Called with each row as it comes.
    """

    fit: str
    told: Sequence[Callable[[HistoryRow], None]] = ()
    rows: list[HistoryRow] = field(default_factory=list)

    def __call__(
        self,
        step: int,
        loss: float | None,
        *,
        training_loss: float | None = None,
        learning_rate: float | None = None,
    ) -> None:
        """What `bmbench.adapters.learning.fit_request.TrainingReport` is."""
        row = HistoryRow(
            fit=self.fit,
            step=int(step),
            training_loss=_finite(training_loss),
            validation_loss=_finite(loss),
            learning_rate=_finite(learning_rate),
        )
        self.rows.append(row)
        for tell in self.told:
            tell(row)

    def marked(self) -> list[HistoryRow]:
        """The rows, that with the least validation loss (without any, the last) marked as the best."""
        losses = [row.validation_loss for row in self.rows]
        known = [loss for loss in losses if loss is not None]
        best = losses.index(min(known)) if known else len(losses) - 1
        return [replace(row, best=number == best) for number, row in enumerate(self.rows)]


def write_history(folder: Path, history: FitHistory | None = None) -> None:
    """Write a run's history with that of one more training; without one, only where there is none yet."""
    path = folder / FILE
    earlier = read_history(folder) if path.exists() else []
    if history is None and path.exists():
        return
    own = [] if history is None else history.marked()
    rows = [row for row in earlier if history is None or row.fit != history.fit] + own
    text = io.StringIO()
    writer = CsvRows(text)
    writer.write(COLUMNS)
    for row in rows:
        numbers = (row.training_loss, row.validation_loss, row.learning_rate)
        writer.write([row.fit, row.step, *map(_shown, numbers), int(row.best)])
    write_text(path, text.getvalue())


def read_history(folder: Path) -> list[HistoryRow]:
    """The history of a run; nothing where it has none, as those of older versions.

    Raises
    ------
    BadInputError
        If the file is damaged: names the line.
    """
    path = folder / FILE
    if not path.exists():
        return []
    lines = list(csv.reader(io.StringIO(read_bytes(path, within=folder).decode("utf-8", "replace"))))
    if not lines or tuple(lines[0]) != COLUMNS:
        raise BadInputError("not the history of a run", where=str(path), expected=",".join(COLUMNS))
    return [_row(line, f"{path}, line {number}") for number, line in enumerate(lines[1:], start=2)]


def _row(line: Sequence[str], where: str) -> HistoryRow:
    try:
        fit, step, training, validation, rate, best = line
        return HistoryRow(
            fit=fit,
            step=int(numeral(step)),
            training_loss=_number(training),
            validation_loss=_number(validation),
            learning_rate=_number(rate),
            best=best == "1",
        )
    except ValueError as error:
        raise BadInputError("not a line of a history", where=where, got=str(error)) from None


def _finite(value: float | None) -> float | None:
    """A number of the core's own type; None for what is none."""
    return float(value) if value is not None and math.isfinite(value) else None


def _number(text: str) -> float | None:
    return float(numeral(text)) if text else None


def _shown(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"
