"""Which encodings draw cells together or apart, from the submissions of the board of their runs.

    python benchmarks/merges_of_board.py leaderboards/synthetic docs/results.md

The table between the two marks of the page is written anew; nothing is trained. The mean over seeds, at the
thresholds of the submissions, by boxes and by the rules of the track.
"""

import json
import sys
from pathlib import Path

import numpy as np

from bmbench.datasets.formats.coco.columns import read_ground_truth
from bmbench.datasets.formats.predictions import read_predictions
from bmbench.leaderboards.tracks.manifest import read_manifest
from bmbench.metrics import evaluate, localisation
from bmbench.metrics.merges_and_splits import merges_and_splits
from bmbench.metrics.protocol import resolve_protocol

START, END = "<!-- merges -->", "<!-- end of merges -->"
METHODS = (
    "unet-shrink-contour", "unet-shrink", "unet-dont-care", "unet-distance", "unet-sigmoid",
    "unet-statistical", "unet-statistical-scaled",
)  # fmt: skip
HEADS = (
    "encoding", "cells missed", "· of them in merges", "predictions over two cells", "false alarms",
    "· of them beside a cell's own", "cells split", "size / the cell's",
)  # fmt: skip
TRACK = "weak"


def counts(board: Path, method: str) -> list[list[float]]:
    """One row a seed: misses, lost in merges, merges, false alarms, those of splits, splits, size of hits."""
    folder = board / "submissions" / TRACK / method
    card = json.loads((folder / "submission.json").read_text("utf-8"))
    rules = read_manifest(board / "tracks" / TRACK).rules
    protocol = resolve_protocol(rules.protocol, iou=rules.iou, radius_px=rules.radius_px)
    truth = read_ground_truth(board / "tracks" / TRACK / "truth.json")
    rows = []
    for run in card["runs"]:
        found = read_predictions(folder / run["predictions"], truth)
        scores = evaluate(truth, found, protocol, threshold=run["threshold"]).bb
        joined = merges_and_splits(truth, found, scores)
        size = localisation(truth, found, scores).median_size_ratio
        rows.append(
            [
                scores.fn, joined.merged_cells, joined.merges, scores.fp, joined.split_predictions,
                joined.splits, size,
            ]
        )  # fmt: skip
    return rows


def table(board: Path) -> str:
    """The table in Markdown, one row an encoding."""
    lines = ["| " + " | ".join(HEADS) + " |", "|---" + "|--:" * (len(HEADS) - 1) + "|"]
    for method in METHODS:
        mean = np.mean(counts(board, method), axis=0)
        numbers = [f"{value:.1f}" for value in mean[:-1]] + [f"{mean[-1]:.2f}"]
        lines.append(f"| `{method.replace('-', '_')}` | " + " | ".join(numbers) + " |")
    return "\n".join(lines)


def main() -> None:
    """Write the table into the page."""
    board, page = Path(sys.argv[1]), Path(sys.argv[2])
    text = page.read_text("utf-8")
    before, rest = text.split(START)
    page.write_text(f"{before}{START}\n{table(board)}\n\n{END}{rest.split(END)[1]}", "utf-8")


if __name__ == "__main__":
    main()
