"""Leaderboards from finished runs, one a data set, all seeds of a method as one submission.

    python benchmarks/make_boards.py RUNS [RUNS …] leaderboards [--only dsb_purple]

RUNS are folders of runs, or studies of `bmbench reproduce`. Ground truth is copied for the embedded data set
alone. Of others the board keeps the digest and the options that make it again from the published files
(`bmbench leaderboard truth`, which is tried here). Folders that are there are made anew once every number of
the new one was recomputed.
"""

import argparse
import json
import shutil
import sys
import tempfile
from pathlib import Path

from bmbench.core.progress import Silent
from bmbench.leaderboards.boards.build import build_board
from bmbench.leaderboards.results.make_truths import make_truths
from bmbench.leaderboards.results.patch_pictures import cut_patches
from bmbench.leaderboards.results.publish import score_board
from bmbench.leaderboards.results.verify import verify_board
from bmbench.leaderboards.submissions.prepare import Wishes, prepare
from bmbench.leaderboards.tracks.about import ABOUT_FILE
from bmbench.leaderboards.tracks.create_track import TrackWishes, create_track, track_facts
from bmbench.leaderboards.tracks.leaderboard_folder import Leaderboard

TEAM, LOGIN = "bmbench authors", "bmbench"
CONTROL = "blob_log"
TITLES = {
    "synthetic": "synthetic Pappenheim smears",
    "kainz": "human bone marrow, H&E (Kainz et al. 2015)",
    "dsb_purple": "purple-stained fields (Data Science Bowl 2018)",
    "bccd": "blood smears (BCCD)",
}
UNITS = {"kainz": "patient", "synthetic": "slide"}

Methods = dict[str, list[Path]]
"""Name on the board → its runs, one a seed."""


def finished_runs(folders: list[Path]) -> dict[str, dict[str, Methods]]:
    """Data set → track → method → runs by seed."""
    found: dict[str, dict[str, Methods]] = {}
    patterns = ("*/metrics.json", "runs/*/metrics.json")
    paths = [path for folder in folders for pattern in patterns for path in folder.glob(pattern)]
    runs = {path.parent: json.loads((path.parent / "config.json").read_text()) for path in paths}
    for run, config in sorted(runs.items(), key=lambda item: (item[1]["seed"], item[0])):
        methods = found.setdefault(config["dataset"], {}).setdefault(config["track"]["name"], {})
        method = config["method"]
        if config["artefacts"] != "background":
            method += f"-{config['artefacts']}"
        methods.setdefault(method, []).append(run)
    return found


def faults(dataset: str, tracks: dict[str, Methods], n_seeds: int) -> list[str]:
    """What keeps these runs from one board: other images, a seed twice or missing, no control."""
    found = []
    for track, methods in tracks.items():
        place = f"{dataset} {track}"
        truths = {(run / "truth.json").read_bytes() for runs in methods.values() for run in runs}
        if len(truths) > 1:
            found.append(f"{place}: the runs were tested on {len(truths)} different sets of images")
        for method, runs in methods.items():
            seeds = [json.loads((run / "config.json").read_text())["seed"] for run in runs]
            enough = len(seeds) == n_seeds or method == CONTROL
            if len(set(seeds)) < len(seeds) or not enough:
                found.append(f"{place} {method}: seeds {seeds}, expected {n_seeds} different ones")
        if CONTROL not in methods:
            found.append(f"{place}: no runs of the control {CONTROL}")
    return found


def make(dataset: str, tracks: dict[str, Methods], out: Path) -> None:
    """The folder `out`, made aside and verified before it takes the old one's place."""
    with tempfile.TemporaryDirectory() as folder:
        board = Leaderboard(Path(folder) / "board", Path(folder))
        for track in sorted(tracks):
            add_track(board, dataset, track, tracks)
        if dataset != "synthetic":
            run = next(iter(next(iter(tracks.values())).values()))[0]
            make_truths(board, Path(json.loads((run / "config.json").read_text())["data"]), Path(folder))
        score_board(board, Silent())
        if dataset == "synthetic":
            for track in tracks:
                cut_patches(board, track, None)
        count = build_board(board)
        numbers = verify_board(board, Silent()).count
        if (out / ABOUT_FILE).is_file():
            # Written by hand, and part of the boards.
            shutil.copy(out / ABOUT_FILE, board.path / ABOUT_FILE)
            count = build_board(board)
        shutil.rmtree(out, ignore_errors=True)
        shutil.copytree(board.path, out)
    print(f"{out}: {count} files, {numbers.count:,} numbers recomputed")


def add_track(board: Leaderboard, dataset: str, track: str, tracks: dict[str, Methods]) -> None:
    methods = tracks[track]
    wishes = TrackWishes(
        name=track,
        title=f"Learn from {track} annotations: {TITLES.get(dataset, dataset)}",
        supervision=track,
        unit=UNITS.get(dataset),
        controls=(CONTROL.replace("_", "-"),),
        weaker_than="precise" if track == "weak" and "precise" in tracks else None,
        outside=dataset != "synthetic",
    )
    facts, truth = track_facts(next(iter(methods.values()))[0], wishes)
    create_track(board, truth, facts)
    for method, runs in methods.items():
        asked = Wishes(
            track=track,
            team=TEAM,
            contacts=(LOGIN,),
            id=method.replace("_", "-"),
            name=method,
            declared=True,
        )
        _, verdict = prepare(board, runs, asked)
        if not verdict.valid:
            listed = verdict.problems.listed
            sys.exit("\n".join(f"{dataset} {track} {method}: {problem}" for problem in listed))


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("runs", type=Path, nargs="+")
    parser.add_argument("out", type=Path)
    parser.add_argument("--only", help="this data set alone")
    parser.add_argument("--seeds", type=int, default=3, help="runs that every method must have")
    options = parser.parse_args()
    found = finished_runs(options.runs)
    boards = {name: tracks for name, tracks in found.items() if options.only in (None, name)}
    wrong = [fault for dataset, tracks in boards.items() for fault in faults(dataset, tracks, options.seeds)]
    if wrong or not boards:
        print("\n".join(wrong or ["no finished runs"]), file=sys.stderr)
        return 2
    for dataset, tracks in boards.items():
        make(dataset, tracks, options.out / dataset)
    return 0


if __name__ == "__main__":
    sys.exit(main())
