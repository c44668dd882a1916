"""How well each class of cells is found, each at a threshold of its own, from runs that tell classes apart.

    python benchmarks/classes_of_runs.py RUN_OR_FOLDER_OF_RUNS…

A row a run: F1 by centres and its 95 % interval, with the threshold that is best for the class on the run's
optimisation images, within a third of the class's mean diameter (the square root of its boxes' area). Nothing
is trained; each row is a call of `bmbench score --per-class --at f1 --chosen-on`.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np


def runs_in(folders: list[Path]) -> Iterator[Path]:
    """Finished runs with optimisation images, by name."""
    for folder in folders:
        for config in sorted(folder.rglob("config.json")):
            needed = ("metrics.json", "optimisation/truth.json")
            if all((config.parent / name).is_file() for name in needed):
                yield config.parent


def radii(truth: Path, names: list[str]) -> Iterator[str]:
    """The options that say a third of the mean diameter of each of these classes, pixels."""
    record = json.loads(truth.read_text("utf-8"))
    number = {one["name"]: one["id"] for one in record["categories"]}
    for name in names:
        mine = [one["bbox"][2:] for one in record["annotations"] if one["category_id"] == number[name]]
        if mine:
            yield from ("--radius", f"{name}={np.sqrt(np.prod(mine, axis=1)).mean() / 3:.4g}")


def scored(run: Path, names: list[str]) -> dict[str, Any]:
    """Scores of each class at its own threshold."""
    truth, chosen = run / "truth.json", run / "optimisation"
    command = [sys.executable, "-m", "bmbench", "score", str(run / "predictions.json"), "--truth", str(truth)]
    command += ["--per-class", "--at", "f1", "--chosen-on"]
    command += [str(chosen / "predictions.json"), str(chosen / "truth.json"), "--json", *radii(truth, names)]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found: dict[str, Any] = json.loads(said)["at"]["by_class"]
    return found


def shown(scores: dict[str, Any] | None) -> str:
    """F1 and its interval in per cent."""
    if scores is None:
        return "–"
    interval = [100 * limit for limit in scores["f1_ci"] or ()]
    return f"{100 * scores['f1']:.1f}" + (" [{:.1f}, {:.1f}]".format(*interval) if interval else "")


def main() -> None:
    heads: list[str] = []
    for run in runs_in([Path(one) for one in sys.argv[1:]]):
        config = json.loads((run / "config.json").read_text("utf-8"))
        names = [one["name"] for one in config.get("classes", ()) if not one["artefact"]]
        if len(names) < 2:
            continue
        if names != heads:
            heads = names
            print(f"\n| method | seed | {' | '.join(heads)} | mean |\n|---|--:|{'---|' * len(heads)}--:|")
        found = scored(run, names)["cd"]
        each = [shown(found["classes"].get(name)) for name in names]
        each += ["–" if found["macro_f1"] is None else f"{100 * found['macro_f1']:.1f}"]
        print(f"| `{config['method']}` | {config['seed']} | {' | '.join(each)} |", flush=True)


if __name__ == "__main__":
    main()
