"""Leaderboards from a folder of finished runs, one a data set, all seeds of a method as one submission.

    python benchmarks/make_boards.py RUNS leaderboards

Ground truth is copied for the embedded data set alone; for others its digest is kept, and the truth of
the runs is used (`--truths` of `bmbench leaderboard score` later on). Folders that are there are made anew.
"""

import argparse
import json
import shutil
import sys
import tempfile
from pathlib import Path

from bmbench.core.progress import Silent
from bmbench.leaderboards.boards.build import build_board
from bmbench.leaderboards.folder import Leaderboard
from bmbench.leaderboards.found import found_track, track_facts
from bmbench.leaderboards.results.publish import score_board
from bmbench.leaderboards.submissions.prepare import Wishes, prepare

TEAM, LOGIN = "bmbench authors", "bmbench"
CONTROL = "blob_log"
TITLES = {
    "synthetic": "synthetic Pappenheim smears",
    "kainz": "human bone marrow, H&E (Kainz et al. 2015)",
    "dsb_purple": "purple-stained fields (Data Science Bowl 2018)",
    "bccd": "blood smears (BCCD)",
}
UNITS = {"kainz": "patient"}


def finished_runs(folder: Path) -> dict[str, dict[str, dict[str, list[Path]]]]:
    """Data set → track → method → runs by seed."""
    found: dict[str, dict[str, dict[str, list[Path]]]] = {}
    for path in sorted(folder.glob("*/metrics.json")):
        config = json.loads((path.parent / "config.json").read_text())
        methods = found.setdefault(config["dataset"], {}).setdefault(config["track"]["name"], {})
        method = config["method"]
        if config["artefacts"] != "background":
            method += f"-{config['artefacts']}"
        methods.setdefault(method, []).append(path.parent)
    return found


def make(dataset: str, tracks: dict[str, dict[str, list[Path]]], out: Path) -> None:
    shutil.rmtree(out, ignore_errors=True)
    with tempfile.TemporaryDirectory() as truths:
        board = Leaderboard(out, Path(truths))
        for track, methods in sorted(tracks.items()):
            run = next(iter(methods.values()))[0]
            shutil.copy(run / "truth.json", Path(truths) / f"{track}.json")
            facts, truth = track_facts(
                run,
                name=track,
                title=f"Learn from {track} annotations: {TITLES.get(dataset, dataset)}",
                supervision=track,
                unit=UNITS.get(dataset, "image"),
                controls=(CONTROL.replace("_", "-"),),
                weaker_than="precise" if track == "weak" and "precise" in tracks else None,
                outside=dataset != "synthetic",
            )
            found_track(board, truth, facts)
            for method, runs in methods.items():
                wishes = Wishes(
                    track=track,
                    team=TEAM,
                    contacts=(LOGIN,),
                    id=method.replace("_", "-"),
                    name=method,
                    declared=True,
                )
                _, verdict = prepare(board, runs, wishes)
                for problem in verdict.problems.listed:
                    print(f"{dataset} {track} {method}: {problem}")
        score_board(board, Silent())
        print(f"{out}: {build_board(board)} files")


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("runs", type=Path)
    parser.add_argument("out", type=Path)
    options = parser.parse_args()
    for dataset, tracks in finished_runs(options.runs).items():
        make(dataset, tracks, options.out / dataset.replace("_", "-"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
