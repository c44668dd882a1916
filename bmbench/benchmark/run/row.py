"""One finished run as one Markdown row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bmbench.core.files import write_text

if TYPE_CHECKING:
    from bmbench.benchmark.records.run_folder import RunDir

HEADER = (
    "| method | data set | track | seed | AP (CD) | F1 (CD) | AP (BB) | F1 (BB) | images | cells |\n"
    "|---|---|---|---|---|---|---|---|---|---|"
)
UNDEFINED = "–"


def write_row(folder: RunDir) -> str:
    """The run's Markdown row, which is also written (with its header) to `row.md`."""
    config, metrics = folder.read("config.json"), folder.read("metrics.json")
    cells = [
        config["method"],
        config["dataset"],
        config["track"]["name"],
        str(config["seed"]),
        *(with_interval(metrics[rule], value) for rule in ("cd", "bb") for value in ("ap", "f1")),
        str(metrics["images"]),
        str(metrics["cells"]),
    ]
    row = f"| {' | '.join(cells)} |"
    write_text(folder.path / "row.md", f"{HEADER}\n{row}\n")
    return row


def with_interval(scores: dict[str, Any] | None, name: str) -> str:
    """A score with its 95 % interval, "0.912 [0.880, 0.934]"; a dash where it is undefined."""
    if scores is None or scores[name] is None:
        return UNDEFINED
    interval = scores.get(f"{name}_ci")
    text = f"{scores[name]:.3f}"
    if not interval or None in interval:
        return text
    return f"{text} [{interval[0]:.3f}, {interval[1]:.3f}]"
