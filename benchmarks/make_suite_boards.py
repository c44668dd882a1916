"""Leaderboards from the runs of a suite: one folder a set, a track for each kind of annotations learned from.

    python benchmarks/make_suite_boards.py marrow suite leaderboards/marrow --data-root DATA
    python benchmarks/make_suite_boards.py … --retire leaderboards/synthetic --retire leaderboards/dsb_purple

A method is a submission, its seeds are its answers. Where a set has folds, the test images of all of them
are one track; a submission has one threshold and each fold chose its own, so confidences are moved, by two
straight lines, to where each fold's threshold is 0.5: what is counted at the threshold stays the same to
the cell, the order inside a fold too. Ground truth is copied for drawn sets alone: of others the board
keeps its digest and how it is made again (`bmbench leaderboard truth`, tried here). Sets whose classes are
told apart, and models without training, have no board. A board that is there is made anew once every number
of the new one was recomputed.

`--retire BOARD`, which may be repeated, keeps an older board in its place, marked as retired.
"""

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

import msgspec

from bmbench.adapters import METHODS
from bmbench.benchmark.records.run_folder import RunDir
from bmbench.benchmark.reproduce.matrix import Matrix
from bmbench.benchmark.reproduce.report.runs import Collection, FinishedRun, Key, collect
from bmbench.benchmark.reproduce.report.seed_means import by_seed
from bmbench.benchmark.suite import read_suite
from bmbench.benchmark.suite.places import folders_of
from bmbench.benchmark.suite.plan import set_folder
from bmbench.benchmark.suite.suite_file import SuiteSet
from bmbench.core.files import write_json, write_text
from bmbench.core.progress import Silent
from bmbench.datasets import DATASETS
from bmbench.datasets.formats.coco.samples import write_coco
from bmbench.leaderboards.boards.build import build_board
from bmbench.leaderboards.results.make_truths import load_tested, make_truths
from bmbench.leaderboards.results.publish import score_board
from bmbench.leaderboards.results.verify import verify_board
from bmbench.leaderboards.submissions.other_submissions import read_others
from bmbench.leaderboards.submissions.submit import SubmissionFacts, SubmittedFile, read_run, submit
from bmbench.leaderboards.tracks.create_track import TrackWishes, create_track, track_facts, write_manifest
from bmbench.leaderboards.tracks.leaderboard_folder import Leaderboard
from bmbench.leaderboards.tracks.manifest import Manifest

TEAM, LOGIN = "bmbench authors", "bmbench"
MIDDLE = 0.5
_BELOW = 0.4999
"""The highest confidence of what lay below a threshold: files keep few digits."""


def moved(confidence: float, threshold: float) -> float:
    """The confidence where a threshold is `MIDDLE`: two straight lines, from 0 and 1 to there."""
    if confidence < threshold:
        return min(MIDDLE * confidence / threshold, _BELOW)
    span = 1 - threshold
    return MIDDLE + (MIDDLE * (confidence - threshold) / span if span > 0 else 0.0)


def joined_answers(runs: Sequence[FinishedRun], ids: Mapping[str, int], out: Path) -> None:
    """The answers of one seed to all folds as one predictions file, images by their ids in the track."""
    images: list[int] = []
    detections: list[dict[str, Any]] = []
    for run in runs:
        truth, answers = (json.loads(path.read_text()) for path in (run.truth, run.predictions))
        # Answers name an image as its data set does, which truths keep beside a number.
        place = {image.get("source_id", image["id"]): ids[image["file_name"]] for image in truth["images"]}
        images += [place[image] for image in answers["images"]]
        detections += [
            one | {"image_id": place[one["image_id"]], "score": moved(one["score"], run.threshold or 0.0)}
            for one in answers["detections"]
        ]
    write_json(out, {"schema": answers["schema"], "images": images, "detections": detections})


Seeds: TypeAlias = dict[int, list[FinishedRun]]
"""Seed → its runs, one a fold."""


def whole_rows(there: Collection, study: Matrix) -> tuple[dict[Key, Seeds], list[str]]:
    """The rows of which all runs are finished that the study asks for, and the names of the others."""
    asked: dict[Key, set[tuple[str, int]]] = {}
    for cell in study.cells:
        asked.setdefault(Key(cell.track, cell.artefacts, cell.method), set()).add(cell.repeat)
    rows = {
        key: {seed: runs for (seed, _), runs in by_seed(there.rows[key]).items()}
        for key, repeats in asked.items()
        if {run.cell.repeat for run in there.rows.get(key, ())} == repeats
    }
    return rows, ["-".join(key) for key in asked if key not in rows]


def without_outlines(truth: Path, out: Path) -> Path:
    """A ground truth with boxes and centres alone, by which boards score; outlines take megabytes."""
    record = json.loads(truth.read_text())
    for one in record["annotations"]:
        one.pop("segmentation", None)
    write_json(out, record)
    return out


class Board:
    """The new board of a set, in a folder aside."""

    def __init__(self, one: SuiteSet, study: Matrix, data: Path | None, aside: Path) -> None:
        self.one, self.study, self.data, self.aside = one, study, data, aside
        self.folds = tuple(dict.fromkeys(cell.fold for cell in study.cells if cell.fold))
        self.board = Leaderboard(aside / "board", aside)

    def add_track(self, track: str, rows: Mapping[Key, Seeds], *, weaker: bool) -> None:
        """A track with every row that learned from such annotations."""
        mine = {key: seeds for key, seeds in rows.items() if key.track == track}
        first = next(iter(next(iter(mine.values())).values()))
        wishes = TrackWishes(
            name=track,
            title=f"Learn from {track} annotations: {self.one.title or self.one.name}",
            supervision=track,
            unit="group" if len({name for run in first for name in run.files[0].groups}) > 1 else None,
            controls=("blob-log",),
            weaker_than="precise" if weaker else None,
            outside=not self.one.drawn,
        )
        facts, truth = track_facts(first[0].predictions.parent, wishes)
        if self.folds:
            card, truth = DATASETS.get(self.study.facts.dataset).card, self._joined_truth(track)
            options = dict(self.study.facts.dataset_options)
            facts = replace(facts, data_options=options, data_folds=self.folds, citation=card.citation)
        elif self.one.drawn:
            truth = without_outlines(truth, self.aside / f"drawn-{track}" / "truth.json")
        create_track(self.board, truth, facts)
        if not self.one.drawn:
            shutil.copy(truth, self.aside / f"{track}.json")
        manifest = self.board.manifest(track)
        for key, seeds in mine.items():
            self._add(key, seeds, manifest)

    def _joined_truth(self, track: str) -> Path:
        facts, path = self.study.facts, self.aside / f"joined-{track}" / "truth.json"
        split = load_tested(facts.dataset, self.data, facts.dataset_options, self.folds)
        path.parent.mkdir()
        write_coco(path, split.samples["test"], split.categories)
        return path

    def _add(self, key: Key, seeds: Seeds, manifest: Manifest) -> None:
        name = key.method if key.artefacts == "background" else f"{key.method}-{key.artefacts}"
        id_ = name.replace("_", "-").replace("+", "-")
        answers, hours, facts = [], 0.0, {}
        ids = {image.name: image.id for image in manifest.images}
        for seed, runs in seeds.items():
            for run in runs:
                data = msgspec.structs.replace(manifest.data, sha256=run.config.data_hash)
                track = msgspec.structs.replace(manifest, data=data)
                answer, facts = read_run(run.predictions.parent, track)
                hours += facts["train_hours"]
            if self.folds:
                path = self.aside / f"{id_}-s{seed}.json"
                joined_answers(runs, ids, path)
                answer = SubmittedFile(path=path, seed=seed, threshold=MIDDLE)
            answers.append(answer)
        if self.folds:
            facts["params"] |= {"folds": len(self.folds), "threshold_of_each_fold_moved_to": MIDDLE}
        facts |= {"name": name, "train_hours": round(hours / len(seeds), 4)}
        facts |= self._costs(key, [run for runs in seeds.values() for run in runs])
        wanted = SubmissionFacts(team=TEAM, contacts=(LOGIN,), declared=True, **facts)
        folder = self.board.submission(manifest.name, id_)
        others = read_others(self.board, manifest.name)
        verdict = submit(answers, wanted, manifest, folder=folder, others=others)
        if not verdict.valid:
            sys.exit("\n".join(f"{self.one.name} {id_}: {problem}" for problem in verdict.problems.listed))

    def _costs(self, key: Key, runs: Sequence[FinishedRun]) -> dict[str, float]:
        """Parameters, where no setting was changed, and the most memory that a run held, if it is known."""
        found = {}
        known = METHODS.get(key.method).parameters.get(self.study.facts.profile)
        if known and not any(run.cell.settings for run in runs):
            found["parameters_millions"] = round(known / 1e6, 3)
        times = [RunDir(run.predictions.parent).times() for run in runs]
        if peaks := [one.memory_mb for one in times if one.memory_mb is not None]:
            found["peak_memory_gb"] = round(max(peaks) / 1e3, 2)
        return found

    def finish(self, out: Path) -> None:
        """Score, build and verify; then take the old one's place."""
        if not self.one.drawn:
            assert self.data is not None
            make_truths(self.board, self.data, self.aside)
        title = f"bmbench: {self.one.title or self.one.name}"[:160]
        about = {"schema": "bmbench.about/1", "title": title, "keepers": ["The bmbench authors"]}
        write_json(self.board.path / "about.json", about)
        score_board(self.board, Silent())
        count = build_board(self.board)
        numbers = verify_board(self.board, Silent())
        shutil.rmtree(out, ignore_errors=True)
        shutil.copytree(self.board.path, out)
        print(f"{out}: {count} files, {numbers.count:,} numbers recomputed")


def make(one: SuiteSet, suite_out: Path, data: Path | None, out: Path, *, partial: bool) -> str:
    """The board of a set in `out`; why there is none, else an empty text."""
    folder = set_folder(suite_out, one.name)
    if not (folder.path / "study.json").is_file():
        return "not run"
    study = folder.read()
    rows, lacking = whole_rows(collect(folder), study)
    if lacking and not partial:
        return (
            f"{len(lacking)} rows are not whole ({', '.join(lacking[:3])} …): finish them, or add --partial"
        )
    if not any(key.method == "blob_log" for key in rows):
        return "no finished blob_log, the control"
    if not one.drawn and data is None:
        return "no data, from which its ground truth is made: --data-root"
    with tempfile.TemporaryDirectory() as aside:
        board, tracks = Board(one, study, data, Path(aside)), sorted({key.track for key in rows})
        for track in tracks:
            board.add_track(track, rows, weaker=track == "weak" and "precise" in tracks)
        board.finish(out / one.name)
    if lacking:
        print(f"{one.name}: left out, not whole: {', '.join(lacking)}")
    return ""


def retire(boards: Iterable[Path], successor: Path, data_root: Path | None) -> None:
    """Mark every track of older boards as retired, and say where the new ones are; they keep their place."""
    for path in boards:
        with tempfile.TemporaryDirectory() as aside:
            board = Leaderboard(path, Path(aside))
            outside = [m for m in board.manifests() if not isinstance(m.data.options, msgspec.UnsetType)]
            if outside:
                make_truths(board, (data_root or Path()) / path.name, Path(aside))
            for manifest in board.manifests():
                retired = msgspec.structs.replace(manifest, retired=True)
                write_manifest(path / "tracks" / manifest.name, retired)
            # A result names the digest of its track, in which this stands.
            score_board(board, Silent())
            build_board(board)
        text = (
            "This board takes no submissions any more, and stays here with its numbers. The new ones are in"
        )
        write_text(path / "RETIRED.md", f"# Retired\n\n{text} `{successor}`.\n")
        print(f"{path}: retired")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("suite", type=Path, help="the suite: its file, or marrow")
    parser.add_argument("runs", type=Path, help="the folder that `bmbench suite run --out` filled")
    parser.add_argument("out", type=Path, help="the folder of the new boards")
    parser.add_argument("--data-root", type=Path)
    parser.add_argument("--only", help="sets with commas")
    parser.add_argument("--partial", action="store_true", help="leave out rows that are not whole")
    parser.add_argument("--retire", type=Path, action="append", default=[], help="an older board")
    options = parser.parse_args()
    suite = read_suite(options.suite)
    suite = suite.without(only=tuple(options.only.split(",")) if options.only else (), lite=False)
    folders, wrong = folders_of(suite, {}, options.data_root), []
    for one in suite.sets:
        if one.classes:
            continue
        why = make(one, options.runs, folders.get(one.name), options.out, partial=options.partial)
        wrong += [f"{one.name}: no board: {why}"] if why else []
    print("\n".join(wrong), file=sys.stderr, end="\n" if wrong else "")
    if wrong and options.retire:
        print("nothing is retired before every set has its board", file=sys.stderr)
    elif options.retire:
        retire(options.retire, options.out, options.data_root)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
