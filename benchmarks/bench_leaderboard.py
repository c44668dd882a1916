"""How long the standings and boards of large leaderboards take, and what junk takes from their answers.

    python benchmarks/bench_leaderboard.py [--quick]

1. 300, 500 and 1,000 drawn submissions × 22 images, four metrics, Markdown and site: seconds, memory, how
   many pairs are told apart, how large the best set is, and whether the last submission is out of it.
2. Junk: 60 submissions that are the declared family, then 60 and 240 random ones beside them: pairs of the
   family that are told apart, and members of the family in the best set.

How often equal methods are called different is simulated by `calibrate.py`.
"""

import argparse
import resource
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
from bmbench.leaderboards.tracks.create_track import write_manifest
from bmbench.leaderboards.tracks.leaderboard_folder import Leaderboard
from bmbench.leaderboards.tracks.manifest import DataFacts, Family, ImageFacts, Manifest, TruthFacts
from bmbench.metrics.tally import ImageCounts, Tally
from bmbench.statistics.jackknife import Jackknife, average_precision_of, ratio_of_counts

N_IMAGES = 22
UNIT = np.arange(N_IMAGES)
CELLS = np.full(N_IMAGES, 44)


def manifest(family: Family = "all") -> Manifest:
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
        family_declared=family,
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


def counts_of(tally: Tally, threshold: float = 0.4) -> ImageCounts:
    kept = tally.confidence >= threshold
    tp = np.bincount(tally.image[kept & tally.hit], minlength=N_IMAGES)
    fp = np.bincount(tally.image[kept & ~tally.hit], minlength=N_IMAGES)
    return ImageCounts(cells=CELLS, tp=tp, fp=fp)


def metric_result(found: Jackknife) -> MetricResult:
    value, half = found.value, 0.02
    without = tuple(found.without.tolist())
    return MetricResult(value=value, interval=(value - half, value + half), seeds=(value,), without=without)


def result(id_: str, tallies: dict[str, Tally]) -> Result:
    metrics, rules = {}, {}
    for rule, tally in tallies.items():
        counts = counts_of(tally)
        f1 = ratio_of_counts("f1", counts)
        metrics[f"{rule}.f1"] = metric_result(f1)
        metrics[f"{rule}.ap"] = metric_result(average_precision_of([tally], UNIT, N_IMAGES, "all"))
        flat = tuple(np.linspace(1, 0, 101).round(3).tolist())
        names = ("fp_artefact", "fp_duplicate", "fp_near", "fp_background", "fn_missed", "fn_artefact")
        causes = dict.fromkeys(names, 1.0)
        tp, fp = float(counts.tp.sum()), float(counts.fp.sum())
        rules[rule] = RuleResult(
            outcomes=Outcomes(limit=0.5, precision=f1.value, recall=f1.value, tp=tp, fp=fp, fn=1.0, **causes),
            curve=CurveBand(precision=flat, low=flat, high=flat),
            sweep=((0.3, f1.value), (0.5, f1.value)),
            hungarian_f1=f1.value,
            images=ImageTallies(
                cells=tuple(CELLS.tolist()), tp=tuple(counts.tp.tolist()), fp=tuple(counts.fp.tolist())
            ),
        )
    card = CardFacts(
        method=f"method {id_}", team="team", family="unet", annotations="weak", artefacts="background",
        external_data=False, threshold_chosen_on="optimisation", n_seeds=1, code_url=None, commit=None,
        dirty=None, hardware=None, train_hours=None,
    )  # fmt: skip
    return Result(
        schema="bmbench.result/2", id=id_, track="large", track_version=1, scorer=1, state="published",
        digests=None, card=card, interval_unit="image", metrics=metrics, rules=rules,
    )  # fmt: skip


def ladder(n: int, rng) -> list[Result]:
    """Submissions from good to 20 points worse, on images that are hard or easy for all of them."""
    difficulty = rng.gamma(4, 0.25, N_IMAGES)
    results = []
    for row in range(n):
        recall, false = 0.95 - 0.3 * row / n, 1 + 4 * row / n
        tallies = {
            rule: drawn_tally(rng, recall=recall - less, false=false, difficulty=difficulty)
            for rule, less in (("cd", 0.0), ("bb", 0.03))
        }
        results.append(result(f"m-{row:04d}", tallies))
    return results


def large(n: int, folder: Path) -> str:
    """A row of the table: what a board of so many submissions takes and says."""
    results = ladder(n, np.random.default_rng(0))
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
    first = table.metrics[0]
    best = {place.id for place in first.places if place.best}
    last = "in the best set" if f"m-{n - 1:04d}" in best else "out of it"
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    return (
        f"| {n:,} | {ranked - started:.1f} | {done - ranked:.1f} | {megabytes:.0f} "
        f"| {first.family.n_apart:,} of {first.family.n_pairs:,} | {len(best)} | {last} |"
    )


def junk(n_junk: int, seed: int) -> tuple[int, int]:
    """Pairs of the declared 60 that are told apart, and how many of them may be the best."""
    rng = np.random.default_rng(seed)
    real = ladder(60, rng)
    ids = tuple(one.id for one in real)
    difficulty = rng.gamma(4, 0.25, N_IMAGES)
    noise = []
    for row in range(n_junk):
        recall = rng.uniform(0.05, 0.5)
        tallies = {
            rule: drawn_tally(rng, recall=recall, false=30, difficulty=difficulty) for rule in ("cd", "bb")
        }
        noise.append(result(f"junk-{row:03d}", tallies))
    first = standings(manifest(ids), [*real, *noise]).metrics[0]
    best = sum(place.best and place.id in ids for place in first.places)
    return first.family.n_apart, best


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="smaller numbers, for a first look")
    quick = parser.parse_args().quick
    print("| submissions | standings s | boards s | MB | pairs told apart | best set | the last one is |")
    print("|---:|---:|---:|---:|---:|---:|---|")
    for n in (50, 100) if quick else (300, 500, 1000):
        with tempfile.TemporaryDirectory() as folder:
            print(large(n, Path(folder)), flush=True)
    rounds = 2 if quick else 10
    print("\n| junk beside a declared family of 60 | pairs told apart | of them may be the best |")
    print("|---:|---:|---:|")
    for n_junk in (0, 60, 240):
        found = np.array([junk(n_junk, seed) for seed in range(rounds)])
        print(f"| {n_junk} | {found[:, 0].mean():.1f} | {found[:, 1].mean():.1f} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
