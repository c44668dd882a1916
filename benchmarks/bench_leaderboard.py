"""How long the standings and boards of large leaderboards take, and how often equal methods look different.

    python benchmarks/bench_leaderboard.py [--quick]

1. 250, 500 and 1,000 drawn submissions × 22 images, four metrics, 10,000 bootstrap replicates, all paired
   tests, Markdown and site: seconds, with what is left when the pairs are taken out.
2. Family-wise false alarms: five equally good methods, 22 images of shared difficulty, many times over. Any
   pair told apart is a false alarm; the share of such boards must not exceed the nominal 5 %.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from bmbench.core.files import write_bytes
from bmbench.leaderboards.boards.build import build_board
from bmbench.leaderboards.results.record import (
    CardFacts,
    CurveBand,
    ImageTallies,
    MetricResult,
    Outcomes,
    Result,
    RuleResult,
    canonical,
)
from bmbench.leaderboards.results.standings import standings
from bmbench.leaderboards.results.unit_columns import metric_by_unit
from bmbench.leaderboards.tracks.create_track import write_manifest
from bmbench.leaderboards.tracks.leaderboard_folder import Leaderboard
from bmbench.leaderboards.tracks.manifest import DataFacts, ImageFacts, Manifest, TruthFacts
from bmbench.metrics import Tally
from bmbench.statistics.jackknife import ap_shares
from bmbench.statistics.paired_tests import LEVEL, paired_tests

N_IMAGES = 22
CELLS = np.full(N_IMAGES, 44)


def manifest() -> Manifest:
    images = tuple(
        ImageFacts(id=i, name=f"{i}.png", width=512, height=512, group=str(i)) for i in range(N_IMAGES)
    )
    return Manifest(
        schema="bmbench.track/1",
        name="large",
        version=1,
        title="A large board",
        supervision="weak",
        data=DataFacts(name="drawn", sha256="0" * 64),
        truth=TruthFacts(visibility="public", file="truth.json", sha256="0" * 64),
        categories=(1,),
        images=images,
        unit="image",
    )


def drawn_tally(rng, *, recall: float, false: float, difficulty) -> Tally:
    """Hits and false alarms of one method on images that are hard or easy for everybody."""
    hit_share = np.clip(1 - (1 - recall) * difficulty, 0, 1)
    hits = rng.binomial(CELLS, hit_share)
    wrong = rng.poisson(false * difficulty)
    image = np.concatenate([np.repeat(np.arange(N_IMAGES), hits), np.repeat(np.arange(N_IMAGES), wrong)])
    hit = np.arange(len(image)) < hits.sum()
    confidence = np.where(hit, rng.beta(5, 2, len(image)), rng.beta(2, 3, len(image)))
    return Tally.of(confidence=confidence, hit=hit, image=image, cells=CELLS)


def tallies_of(tally: Tally, threshold: float = 0.4) -> ImageTallies:
    kept = tally.confidence >= threshold
    tp = np.bincount(tally.image[kept & tally.hit], minlength=N_IMAGES)
    fp = np.bincount(tally.image[kept & ~tally.hit], minlength=N_IMAGES)
    shares = ap_shares(tally)
    return ImageTallies(
        cells=tuple(CELLS.tolist()),
        tp=tuple(tp.tolist()),
        fp=tuple(fp.tolist()),
        ap_share=tuple(shares.tolist()),
    )


def result(id_: str, parts: dict[str, ImageTallies]) -> Result:
    metrics, rules = {}, {}
    for rule, images in parts.items():
        tp, fp = sum(images.tp), sum(images.fp)
        f1, ap = 2 * tp / (tp + fp + sum(images.cells)), sum(images.ap_share)
        metrics[f"{rule}.f1"] = MetricResult(value=f1, interval=(f1 - 0.02, f1 + 0.02), seeds=(f1,))
        metrics[f"{rule}.ap"] = MetricResult(value=ap, interval=(ap - 0.02, ap + 0.02), seeds=(ap,))
        flat = tuple(np.linspace(1, 0, 101).round(3).tolist())
        counts = dict.fromkeys(
            ("fp_artefact", "fp_duplicate", "fp_near", "fp_background", "fn_missed", "fn_artefact"), 1.0
        )
        rules[rule] = RuleResult(
            outcomes=Outcomes(limit=0.5, precision=f1, recall=f1, tp=tp, fp=fp, fn=1.0, **counts),
            curve=CurveBand(precision=flat, low=flat, high=flat),
            sweep=((0.3, f1), (0.5, f1)),
            hungarian_f1=f1,
            images=images,
        )
    card = CardFacts(
        method=f"method {id_}", team="team", family="unet", annotations="weak", artefacts="background",
        external_data=False, threshold_chosen_on="optimisation", n_seeds=1, code_url=None, commit=None,
        dirty=None, hardware=None, train_hours=None,
    )  # fmt: skip
    return Result(
        schema="bmbench.result/1", id=id_, track="large", track_version=1, scorer=1, state="published",
        digests=None, card=card, interval_unit="image", metrics=metrics, rules=rules,
    )  # fmt: skip


def large(n: int, folder: Path) -> tuple[float, float, int]:
    """Seconds for the standings, for the boards, and how many pairs are told apart by the first metric."""
    rng = np.random.default_rng(0)
    difficulty = rng.gamma(4, 0.25, N_IMAGES)
    results = []
    for row in range(n):
        recall, false = 0.95 - 0.3 * row / n, 1 + 4 * row / n
        parts = {
            rule: tallies_of(drawn_tally(rng, recall=recall - less, false=false, difficulty=difficulty))
            for rule, less in (("cd", 0.0), ("bb", 0.03))
        }
        results.append(result(f"m-{row:04d}", parts))
    board = Leaderboard(folder)
    track = manifest()
    write_manifest(folder / "tracks" / track.name, track)
    for one in results:
        write_bytes(board.result(track.name, one.id), canonical(one))
    started = time.perf_counter()
    table = standings(track, results)
    write_bytes(board.standings(track.name), canonical(table))
    ranked = time.perf_counter()
    build_board(board)
    done = time.perf_counter()
    return ranked - started, done - ranked, table.metrics[0].tests.n_apart


def false_alarms(n_boards: int, metric: str, n_methods: int = 5) -> float:
    """Share of boards of equal methods on which at least one pair is told apart."""
    rng = np.random.default_rng(1)
    unit = np.arange(N_IMAGES)
    alarms = 0
    for board in range(n_boards):
        difficulty = rng.gamma(2, 0.5, N_IMAGES)
        results = [
            result(
                f"m-{row}", {"cd": tallies_of(drawn_tally(rng, recall=0.88, false=4, difficulty=difficulty))}
            )
            for row in range(n_methods)
        ]
        tests = paired_tests(metric_by_unit(results, metric, unit), replicates=4_999, seed=board)
        alarms += bool((tests.p_holm <= LEVEL).any())
    return alarms / n_boards


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="smaller numbers, for a first look")
    quick = parser.parse_args().quick
    print("submissions   standings s   boards s   pairs told apart by F1 (centres)")
    for n in (50, 100) if quick else (250, 500, 1000):
        with tempfile.TemporaryDirectory() as folder:
            ranked, built, apart = large(n, Path(folder))
        print(f"{n:11d}   {ranked:11.1f}   {built:8.1f}   {apart:,} of {n * (n - 1) // 2:,}", flush=True)
    n_boards = 200 if quick else 1000
    for metric in ("cd.f1", "cd.ap"):
        share = false_alarms(n_boards, metric)
        print(f"{metric}: {100 * share:.1f} % of {n_boards} boards of 5 equal methods raise a false alarm")
    return 0


if __name__ == "__main__":
    sys.exit(main())
