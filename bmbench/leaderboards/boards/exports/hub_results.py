"""Entries for `.eval_results/` in a model's repository on the Hugging Face Hub.

The format is that of the Hub's documentation ("Evaluation Results", work in progress there). A team puts the
file into the repository of its model; the score then stands on the model's page and on the leaderboard of the
data set, which has to be registered as a benchmark with a task that is called like the track.
"""

import json

from bmbench.leaderboards.boards.exports.addresses import address
from bmbench.leaderboards.boards.page import Entry, Page
from bmbench.leaderboards.boards.words import estimate, metric_title
from bmbench.leaderboards.tracks.about import About


def hub_results(page: Page, entry: Entry, about: About) -> str | None:
    """The YAML of one submission; None where `about.json` names no such data set, or without a value."""
    dataset = about.hub_datasets.get(page.manifest.data.name)
    metric = page.manifest.metrics[0]
    place = entry.places[metric]
    if dataset is None or place.value is None:
        return None
    lines = [
        "- dataset:",
        f"    id: {_text(dataset)}",
        f"    task_id: {_text(page.manifest.name)}",
        f"  value: {100 * place.value:.2f}",
    ]
    if isinstance(entry.result.arrived, str):
        lines.append(f"  date: {_text(entry.result.arrived[:10])}")
    if about.address is not None:
        link = address(about, f"{page.manifest.name}/{entry.result.id}.html")
        lines += ["  source:", f"    url: {_text(link)}", f"    name: {_text(about.title)}"]
    notes = f"{metric_title(metric)} {estimate(place)}, track version {page.manifest.version}"
    return "\n".join([*lines, f"  notes: {_text(notes)}"]) + "\n"


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)
