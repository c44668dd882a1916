"""Scorers of other packages: found by entry points, held to their laws when they are loaded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bmbench.core.plugins import Origin, PluginError
from bmbench.core.registry import Registry
from bmbench.core.types import GroundTruth, Predictions
from bmbench.metrics.laws import broken_laws
from bmbench.metrics.scorer import LAWS, Scorer, value_of
from bmbench.metrics.scores import Scores


def adopt_scorer(entry: Any, name: str, origin: Origin) -> Scorer:
    """The scorer of another package, once it has kept on drawn scenes what it promises.

    Raises
    ------
    PluginError
        If it is none, has another name than the one that it is offered under, or breaks a law.
    """
    said = f"the metric {name!r} of {origin.who}"
    if not isinstance(entry, Scorer):
        remedy = "make one with bmbench.metrics.Scorer"
        raise PluginError(f"{said} is no Scorer", got=type(entry).__name__, remedy=remedy)
    if ":" not in name and entry.name != name:
        raise PluginError(f"{said} calls itself {entry.name!r}", remedy="give both one name")
    unknown = [law for law in entry.keeps if law not in LAWS]
    if unknown:
        raise PluginError(f"{said} keeps an unknown law", expected=", ".join(LAWS), got=unknown[0])
    broken = broken_laws(entry)
    if broken:
        raise PluginError(
            f"{said} breaks a law that it says to keep: {broken[0]}",
            remedy="mend it, or leave the law out of its `keeps`",
        )
    return entry


METRICS: Registry[Scorer] = Registry(
    "metric", (), group="bmbench.metrics", adopt="bmbench.metrics.plugin:adopt_scorer", by_place=True
)
"""Scorers of other packages, and those that the user has named by their place."""


def further_scores(
    names: tuple[str, ...], truth: GroundTruth, predictions: Predictions, scores: Mapping[Any, Scores]
) -> dict[str, dict[str, float | None]]:
    """What these scorers say, by the way of matching and by name.

    Raises
    ------
    BadInputError
        If there is no scorer of a name, or it cannot be used.
    """
    scorers = [METRICS.get(name) for name in names]
    return {
        str(rule): {scorer.name: value_of(scorer, truth, predictions, one) for scorer in scorers}
        for rule, one in scores.items()
    }
