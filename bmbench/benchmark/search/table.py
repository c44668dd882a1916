"""A search on a terminal: its best trials, side by side, at 80 columns."""

from typing import Any

from rich.table import Table

from bmbench.benchmark.search.search import Tuning, best_first
from bmbench.present.words import UNDEFINED, many

COLUMNS = 5


def tuning_table(tuning: Tuning) -> Table:
    """The best trials of a search, one a column; settings that matter most come first."""
    best = best_first(tuning.trials)[:COLUMNS]
    given_up = sum(trial.value is None for trial in tuning.trials)
    table = Table(
        title=f"Best trials of {tuning.run.method}",
        title_justify="left",
        caption=f"{many(len(tuning.trials), 'trial')}, {given_up} given up early; trial 1, trained with the "
        f"profile's settings, came to F1 {_text(tuning.trials[0].value)}; F1 and AP between centres; "
        f"· how maps are cut, {UNDEFINED} as in the profile",
        box=None,
        pad_edge=False,
    )
    table.add_column("", no_wrap=True)
    for trial in best:
        table.add_column(f"trial {trial.number + 1}", justify="right", no_wrap=True)
    table.add_row("F1, optimisation images", *(_text(trial.value) for trial in best), style="bold")
    table.add_row("AP", *(_text(trial.facts["ap"]) for trial in best))
    table.add_row("threshold", *(_text(trial.facts["threshold"]) for trial in best))
    for name in sorted(
        {name for trial in best for name in trial.settings}, key=lambda name: _rank(tuning, name)
    ):
        table.add_row(name, *(_text(trial.settings.get(name)) for trial in best))
    for name in sorted({name for trial in best for name in trial.facts["decoded"]}):
        table.add_row(f"· {name}", *(_text(trial.facts["decoded"].get(name)) for trial in best))
    return table


def _rank(tuning: Tuning, name: str) -> tuple[float, str]:
    return -tuning.importance.get(name, 0.0), name


def _text(value: Any) -> str:
    if value is None:
        return UNDEFINED
    return f"{value:.3g}" if isinstance(value, float) else str(value).replace("cross_entropy", "entropy")
