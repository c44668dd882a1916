"""What `bmbench.score` and `bmbench.compare` answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bmbench.api.display import frame_of, html_of, shown
from bmbench.benchmark.scoring.reports import ComparisonReport, ScoreReport, by_geometry
from bmbench.benchmark.scoring.tables import comparison_table, score_tables
from bmbench.metrics.scores import Evaluation, Scores
from bmbench.present.html import text_of
from bmbench.present.words import RULES, many, signed, with_interval

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

_NESTED = ("classes", "no_interval")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class ScoreResult:
    """What `bmbench.score` answers.

    Attributes
    ----------
    report : ScoreReport
        Everything that was counted, as ``bmbench score`` has it.
    title : str
        What was scored.

    Examples
    --------
    >>> import bmbench
    >>> result = bmbench.score([[[12, 30, 0.9]]], [[[13, 30], [50, 41]]], radius_px=5)
    >>> result.centres.recall
    0.5
    >>> print(result.table().splitlines()[0])
    predictions
    """

    report: ScoreReport
    title: str = "predictions"

    @property
    def boxes(self) -> Scores | None:
        """The scores by overlap of boxes; None where they are not scored."""
        return self.report.evaluation.bb

    @property
    def centres(self) -> Scores | None:
        """The scores by distance of centres; None where they are not scored."""
        return self.report.evaluation.cd

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the numbers should know."""
        return self.report.notes

    def to_json(self) -> dict[str, Any]:
        """What ``bmbench score --json`` prints, as a dict.

        Examples
        --------
        >>> import bmbench
        >>> result = bmbench.score([[[12, 30, 0.9]]], [[[13, 30], [50, 41]]], radius_px=5)
        >>> result.to_json()["cd"]["tp"]
        1
        """
        return self.report.to_json()

    def to_frame(self) -> pd.DataFrame:
        """One row a matching rule and class, one column a number.

        Examples
        --------
        >>> import bmbench
        >>> result = bmbench.score([[[12, 30, 0.9]]], [[[13, 30], [50, 41]]], radius_px=5)
        >>> result.to_frame()[["rule", "limit", "recall"]].values.tolist()
        [['centres', 5, 0.5]]
        """
        return frame_of(_frame_columns(self.report.evaluation))

    def table(self) -> str:
        """What ``bmbench score`` prints.

        Examples
        --------
        >>> import bmbench
        >>> result = bmbench.score([[[12, 30, 0.9]]], [[[13, 30], [50, 41]]], radius_px=5)
        >>> print(result.table().splitlines()[4].split())
        ['AP', '0.500']
        """
        return text_of(score_tables(self.report, title=self.title))

    def plot(self) -> Figure:
        """Precision against recall, with the threshold marked, as a figure of matplotlib.

        Examples
        --------
        >>> import bmbench
        >>> result = bmbench.score([[[12, 30, 0.9]]], [[[13, 30], [50, 41]]], radius_px=5)
        >>> result.plot().savefig("curve.png")
        """
        from bmbench.benchmark.drawing.figures import pr_figure

        return shown(pr_figure(self.report.evaluation, title=self.title))

    def __repr__(self) -> str:
        evaluation = self.report.evaluation
        counted = f"{many(evaluation.n_images, 'image')}, {many(evaluation.n_cells, 'cell')}"
        return f"ScoreResult({'; '.join([*_headlines(evaluation), counted])})"

    def _repr_html_(self) -> str:
        from bmbench.present.curves import pr_curves_svg

        tables = score_tables(self.report, title=self.title)
        return html_of(tables, pr_curves_svg(self.report.evaluation), notes=self.notes)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class ComparisonResult:
    """What `bmbench.compare` answers.

    Attributes
    ----------
    report : ComparisonReport
        Both evaluations and their differences, as ``bmbench compare`` has them.

    Examples
    --------
    >>> import bmbench
    >>> truth = [[[13, 30], [50, 41]], [[20, 20]]]
    >>> one = [[[12, 30, 0.9], [50, 40, 0.8]], [[20, 21, 0.7]]]
    >>> bmbench.compare(one, one, truth, radius_px=5).difference("cd").f1.verdict
    'the same'
    """

    report: ComparisonReport

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the numbers should know."""
        return self.report.notes

    def difference(self, rule: str = "cd") -> Any:
        """First minus second, by centres (``"cd"``) or boxes (``"bb"``); None where they are not scored.

        Examples
        --------
        >>> import bmbench
        >>> truth = [[[13, 30], [50, 41]], [[20, 20]]]
        >>> one, other = [[[12, 30, 0.9]], [[20, 21, 0.7]]], [[[12, 30, 0.9]], []]
        >>> result = bmbench.compare(one, other, truth, radius_px=5)
        >>> result.difference("bb") is None
        True
        """
        return {str(name): found for name, found in self.report.differences.items()}[rule]

    def to_json(self) -> dict[str, Any]:
        """What ``bmbench compare --json`` prints, as a dict.

        Examples
        --------
        >>> import bmbench
        >>> truth = [[[13, 30], [50, 41]], [[20, 20]]]
        >>> one, other = [[[12, 30, 0.9]], [[20, 21, 0.7]]], [[[12, 30, 0.9]], []]
        >>> result = bmbench.compare(one, other, truth, radius_px=5)
        >>> round(result.to_json()["cd"]["f1"], 3)
        0.3
        """
        return self.report.to_json()

    def to_frame(self) -> pd.DataFrame:
        """One row a matching rule and side, of its first training, one column a number.

        Examples
        --------
        >>> import bmbench
        >>> truth = [[[13, 30], [50, 41]], [[20, 20]]]
        >>> one, other = [[[12, 30, 0.9]], [[20, 21, 0.7]]], [[[12, 30, 0.9]], []]
        >>> result = bmbench.compare(one, other, truth, radius_px=5)
        >>> result.to_frame()["recall"].round(3).tolist()
        [0.667, 0.333]
        """
        parts = [_frame_columns(some[0]) for some in self.report.evaluations]
        sides = [name for name, part in zip(self.report.names, parts, strict=True) for _ in part["rule"]]
        merged = {name: [*parts[0][name], *parts[1][name]] for name in parts[0]}
        return frame_of({"predictions": sides, **merged})

    def table(self) -> str:
        """What ``bmbench compare`` prints.

        Examples
        --------
        >>> import bmbench
        >>> truth = [[[13, 30], [50, 41]], [[20, 20]]]
        >>> one, other = [[[12, 30, 0.9]], [[20, 21, 0.7]]], [[[12, 30, 0.9]], []]
        >>> result = bmbench.compare(one, other, truth, radius_px=5)
        >>> "centres (5 px)" in result.table()
        True
        """
        return text_of([comparison_table(self.report)])

    def plot(self) -> Figure:
        """Precision against recall of both, as a figure of matplotlib.

        Examples
        --------
        >>> import bmbench
        >>> truth = [[[13, 30], [50, 41]], [[20, 20]]]
        >>> one, other = [[[12, 30, 0.9]], [[20, 21, 0.7]]], [[[12, 30, 0.9]], []]
        >>> result = bmbench.compare(one, other, truth, radius_px=5)
        >>> result.plot().savefig("both.png")
        """
        from bmbench.benchmark.drawing.figures import pr_pair_figure

        first, second = (some[0] for some in self.report.evaluations)
        return shown(pr_pair_figure((first, second), self.report.names))

    def __repr__(self) -> str:
        found = [
            f"{RULES[rule]} AP {signed(one.ap.value)}, F1 {signed(one.f1.value)}"
            for rule, one in self.report.differences.items()
            if one is not None
        ]
        images = many(self.report.evaluations[0][0].n_images, "image")
        return f"ComparisonResult(first minus second: {'; '.join([*found, images])})"

    def _repr_html_(self) -> str:
        return html_of([comparison_table(self.report)], notes=self.notes)


def _frame_columns(evaluation: Evaluation) -> dict[str, list[Any]]:
    """One row a matching rule, then one for each class of it."""
    rows: list[dict[str, Any]] = []
    for rule, scores in by_geometry(evaluation).items():
        for name, one in (("all", scores), *scores.classes.items()):
            values = {key: value for key, value in one.to_json().items() if key not in _NESTED}
            low_high = {
                f"{key}_{end}": None if values[f"{key}_ci"] is None else values[f"{key}_ci"][n]
                for key in ("ap", "f1", "precision", "recall")
                for n, end in enumerate(("low", "high"))
            }
            flat = {key: value for key, value in values.items() if not key.endswith("_ci")}
            rows.append({"rule": RULES[rule], "class": name, **flat, **low_high})
    return {key: [row.get(key) for row in rows] for key in (rows[0] if rows else ())}


def _headlines(evaluation: Evaluation) -> list[str]:
    """The two numbers of each matching rule, centres first."""
    texts = []
    for rule, scores in reversed(by_geometry(evaluation).items()):
        limit = scores.matched_by or (f"{scores.limit:g} px" if rule == "cd" else f"IoU {scores.limit:g}")
        ap, f1 = with_interval(scores.ap, scores.ap_ci), with_interval(scores.f1, scores.f1_ci)
        texts.append(f"{RULES[rule]} ({limit}) AP {ap}, F1 {f1}")
    return texts
