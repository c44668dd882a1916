"""The page of a data set: one HTML file with its pictures inside, which needs nothing beside it."""

from collections.abc import Sequence
from html import escape
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from bmbench.core.dataset import DatasetCard, Split
from bmbench.core.files import write_text
from bmbench.core.types import Floats, Role, Sample
from bmbench.datasets.describe.faults import Fault
from bmbench.datasets.describe.measures import Measures
from bmbench.datasets.splits.balanced import Balance
from bmbench.present.html import embedded_png, html_page, page_table
from bmbench.present.palette import BLUE, COLOURS, VERMILLION
from bmbench.present.words import UNDEFINED, counted, decimal, share

_ROLE_COLOURS = {Role.CELL: BLUE, Role.ARTEFACT: VERMILLION, Role.IGNORE: "#666666"}
_ROLE_DASHES = {Role.CELL: "-", Role.ARTEFACT: "--", Role.IGNORE: ":"}
_CLASS_DASHES = ("-", "--", ":", "-.")
_EXAMPLES = 4


def write_page(
    path: Path,
    card: DatasetCard,
    split: Split,
    *,
    table: Sequence[Balance],
    measures: Measures,
    faults: Sequence[Fault],
) -> None:
    """Write the page, whole or not at all."""
    samples = [sample for part in split.samples.values() for sample in part]
    names = [category.name for category in split.categories]
    # Classes run down: a set may have dozens of them, and always has four subsets.
    rows = [
        ["images", *(f"{b.images:,}" for b in table)],
        ["groups", *(f"{b.groups:,}" for b in table)],
        *(
            [name, *(counted(b.objects[n], b.shares[n], digits=0) for b in table)]
            for n, name in enumerate(names)
        ),
    ]
    facts = [
        ("what it is", card.title),
        ("modality", card.modality),
        ("annotation", card.annotation),
        ("licence", card.licence),
        ("please cite", card.citation),
        ("source", card.source or "embedded"),
        ("images", f"{len(samples):,}"),
        *_measured(measures, split.radius_px),
    ]
    fault_rows = [[fault.kind, f"{fault.count:,}", fault.text] for fault in faults]
    body = [
        f"<h1>{escape(card.name)}</h1>",
        page_table(["", ""], facts, text=(1,)),
        "<h2>Objects by class and subset</h2>",
        page_table(["", *(b.subset for b in table)], rows),
        "<h2>Faults found</h2>",
        page_table(["what", "how many", "where"], fault_rows, text=(2,)) if fault_rows else "<p>None.</p>",
        "<h2>Sizes and distances</h2>",
        embedded_png(histograms(measures, names, split.radius_px), "histograms of cell sizes and distances"),
        "<h2>Examples</h2>",
        embedded_png(examples(split), "one image of each subset with its annotations"),
    ]
    write_text(path, html_page(card.name, "\n".join(body)))


def histograms(measures: Measures, names: Sequence[str], radius_px: float) -> bytes:
    """PNG: cell diameters by class, and distances to the nearest cell with the matching radius."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4), layout="constrained")
    sizes, distances = figure.subplots(1, 2)
    shown = [(name, d) for name, d in zip(names, measures.diameters, strict=True) if len(d)]
    _draw_sizes(sizes, shown)
    nearest = measures.nearest
    if len(nearest):
        limit = float(np.quantile(nearest, 0.99))
        distances.hist(nearest[nearest <= limit], bins=50, color="#999999")
        distances.axvline(radius_px, color=VERMILLION, ls="--", label=f"matching radius {radius_px:g} px")
        distances.legend(frameon=False)
    distances.set(xlabel="distance to the nearest cell, px", ylabel="cells", title="nearest neighbours")
    for axes in (sizes, distances):
        axes.spines[["top", "right"]].set_visible(False)
    return _png(figure)


def examples(split: Split) -> bytes:
    """PNG: the image with most objects of each subset, with outlines, circles or boxes, and marked roles."""
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    chosen = [
        (subset, max(part, key=lambda sample: len(sample.annotations)))
        for subset, part in split.samples.items()
        if part
    ][:_EXAMPLES]
    tallest = max((sample.height / sample.width for _, sample in chosen), default=1.0)
    size = (11, (5.4 * tallest + 0.3) * -(-len(chosen) // 2) + 0.4)
    figure = Figure(figsize=size, layout="constrained")
    for place, (subset, sample) in enumerate(chosen, start=1):
        axes = figure.add_subplot(-(-len(chosen) // 2), min(2, len(chosen)), place)
        _draw_sample(axes, sample)
        axes.set_title(f"{subset}: {sample.name}", fontsize=9)
    words = {Role.CELL: "cell", Role.ARTEFACT: "artefact", Role.IGNORE: "ignored"}
    handles = [
        Line2D([], [], color=_ROLE_COLOURS[role], ls=_ROLE_DASHES[role], label=word)
        for role, word in words.items()
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=3, frameon=False)
    return _png(figure, dpi=110)


def _draw_sizes(axes: Any, shown: Sequence[tuple[str, Floats]]) -> None:
    if shown:
        limit = float(np.quantile(np.concatenate([d for _, d in shown]), 0.995))
        bins = np.linspace(0, limit if limit > 0 else 1.0, 50).tolist()
        for row, (name, values) in enumerate(shown):
            label = f"{name} (median {np.median(values):.0f} px)"
            colour = COLOURS[row % len(COLOURS)]
            dashes = _CLASS_DASHES[row // len(COLOURS) % len(_CLASS_DASHES)]
            axes.hist(values, bins=bins, histtype="step", lw=1.6, color=colour, ls=dashes, label=label)
        axes.legend(frameon=False, fontsize=8 if len(shown) < 12 else 5)
    axes.set(xlabel="diameter, px", ylabel="objects", title="sizes")


def _draw_sample(axes: Any, sample: Sample) -> None:
    from matplotlib.collections import LineCollection

    axes.imshow(sample.load(), extent=(0, sample.width, sample.height, 0), interpolation="lanczos")
    for role in Role:
        own = sample.annotations.take(sample.annotations.role == role)
        reach = sample.width / 100
        outlines = [line for row in range(len(own)) for line in _lines(own, row, reach)]
        lines = LineCollection(
            outlines, colors=_ROLE_COLOURS[role], linestyles=_ROLE_DASHES[role], linewidths=1.3
        )
        axes.add_collection(lines)
    axes.set(xlim=(0, sample.width), ylim=(sample.height, 0), xticks=[], yticks=[])


def _lines(annotations: Any, row: int, reach: float) -> list[Floats]:
    """The lines to draw for an object: closed ones, or a cross with arms of `reach` px on a point."""
    if annotations.contour[row]:
        return [np.concatenate([ring, ring[:1]]) for ring in annotations.contour[row]]
    x, y, radius = annotations.circle[row]
    if radius > 0:
        angle = np.linspace(0, 2 * np.pi, 49)
        return [np.stack([x + radius * np.cos(angle), y + radius * np.sin(angle)], axis=1)]
    x0, y0, x1, y1 = annotations.box[row]
    if x0 == x1 and y0 == y1:
        return [np.array([[x0 - a, y0 - b], [x0 + a, y0 + b]]) for a, b in ((reach, 0), (0, reach))]
    return [np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1], [x0, y0]])]


def _measured(measures: Measures, radius_px: float) -> list[tuple[str, str]]:
    suggested = measures.suggested_radius_px
    return [
        ("matching radius", f"{radius_px:g} px"),
        (
            "suggested: a third of the mean cell diameter",
            UNDEFINED if suggested is None else f"{suggested:.1f} px",
        ),
        ("cells with another one nearer than that", share(measures.closer, 0)),
        ("jitter of simulated circles", f"{measures.jitter_px:.2f} px"),
        ("cells whose simulated circle overlaps another", share(measures.overlapping, 0)),
        ("circle over cell area, median", decimal(measures.cover, 2)),
    ]


def _png(figure: Any, dpi: int = 120) -> bytes:
    buffer = BytesIO()
    # Without the program's name, the same figure gives the same bytes.
    figure.savefig(buffer, format="png", dpi=dpi, metadata={"Software": None})
    return buffer.getvalue()
