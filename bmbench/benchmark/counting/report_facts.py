"""What the page of a count shows at every confidence that a reader may choose: tables, cut-offs, sizes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bmbench.benchmark.counting.looks import SHAPES, looks, sign
from bmbench.benchmark.counting.tables import share_texts
from bmbench.present.words import UNDEFINED, count, decimal, many

if TYPE_CHECKING:
    from bmbench.benchmark.counting.differential import Differential
    from bmbench.benchmark.counting.tally import Sizes, Stops
    from bmbench.benchmark.protocol.lineages import CountedClass


def row_labels(found: Differential) -> list[tuple[str, str]]:
    """Kind and name of each row of the summary: shares, the ratio, what stands apart."""
    rows = [(kind, one.name) for kind, one in found.shares()]
    if found.myeloid_to_erythroid is not None:
        rows.append(("ratio", "M:E ratio"))
    return [*rows, *(("apart", f"{name} per 100") for name in found.per_100)]


def row_texts(found: Differential) -> list[list[str]]:
    """The cells of each row: cells, per cent, limits, binomial limits, cells still to be counted."""
    rows = [share_texts(one) for _, one in found.shares()]
    if found.one_class:
        rows = [[cells, "", "", "", ""] for cells, *_ in rows]
    ratio = found.myeloid_to_erythroid
    if ratio is not None:
        limits = [
            UNDEFINED if ends is None else f"{ends[0]:.2f}–{ends[1]:.2f}"
            for ends in (ratio.interval, ratio.exact)
        ]
        rows.append([f"{ratio.upper}:{ratio.lower}", decimal(ratio.value, 2), *limits, ""])
    return [
        *rows,
        *([count(found.apart[name]), decimal(rate, 1), "", "", ""] for name, rate in found.per_100.items()),
    ]


def title(found: Differential) -> str:
    """Whose differential it is, and of how much."""
    return f"{found.name}: {many(found.cells, 'cell')} on {many(found.images, 'image')}"


def report_facts(
    classes: Sequence[CountedClass],
    stops: Stops,
    at_stops: Sequence[Sequence[Differential]],
    sizes: Sizes,
) -> Mapping[str, Any]:
    """Everything that the page's script needs beside the images; `at_stops` holds differentials by stop."""
    from bmbench.benchmark.counting.differential import sureness

    appearance = looks(len(classes))
    counts, width = sizes.coarse()
    people = range(len(at_stops[0]))
    return {
        "stops": stops.thresholds.tolist(),
        "chosen": stops.chosen,
        "classes": [
            {"name": one.name, "colour": look.colour, "shape": look.shape}
            for one, look in zip(classes, appearance, strict=True)
        ],
        "signs": {shape: sign(shape, 0.0, 0.0, 1.0) for shape in SHAPES},
        "who": [one.name for one in at_stops[0]],
        "titles": [[title(found[row]) for found in at_stops] for row in people],
        "tables": [[row_texts(found[row]) for found in at_stops] for row in people],
        "cuts": [[[sureness(cut) for cut in found[row].cut_offs] for found in at_stops] for row in people],
        "sizes": {
            "unit": "µm" if sizes.in_um else "px",
            "width": width,
            "counts": counts.tolist(),
        },
    }
