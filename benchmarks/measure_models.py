"""Measure a model on sets that it never saw, beside `blob_log` on the same mix, and put it on its card.

    python benchmarks/measure_models.py --kainz FOLDER --plasma FOLDER --dsb FOLDER [--made FOLDER]

All patients of `kainz` and `plasma_cd138` are test patients, with the rules of the sets (kainz: the authors'
own, 10 px; plasma_cd138: 10 px, the border ignored); of `dsb_purple` the test fields. Both detectors are
applied unchanged, at their own thresholds, with the same options. Intervals are those of `bmbench test`, over
patients or fields.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from make_models import MODEL

from bmbench.benchmark.drawing.gallery import draw_gallery, overlays_of
from bmbench.benchmark.models.record import MeasuredScore, read_model
from bmbench.benchmark.models.write import write_scores
from bmbench.benchmark.protocol.adjustment import Adjusting
from bmbench.benchmark.protocol.other_sets import OtherSet
from bmbench.benchmark.records.run_folder import RunDir
from bmbench.benchmark.run.apply_to_other_sets import apply_model, apply_run
from bmbench.benchmark.scoring.score_files import evaluate_files, read_pair
from bmbench.cli.terminal import console
from bmbench.core.console import Terminal
from bmbench.core.dataset import LoadRequest
from bmbench.datasets import open_dataset
from bmbench.datasets.sets.dsb_purple import RADIUS_PX
from bmbench.metrics.protocol import resolve_protocol

ADJUSTED = Adjusting(measured_scale=True, standardise=True)
HOW = {"--scale auto --standardise": ADJUSTED, "as they are": Adjusting()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    for name in ("kainz", "plasma", "dsb"):
        parser.add_argument(f"--{name}", type=Path)
    parser.add_argument("--made", type=Path, default=Path("benchmarks/made/models"))
    parser.add_argument("--model", type=Path)
    parser.add_argument("--how", choices=list(HOW), action="append")
    asked = parser.parse_args()
    model = asked.model or asked.made / MODEL
    (blobs,) = (asked.made / "runs").glob("*-blob_log-*")
    wishes = {
        "kainz": f"kainz,data={asked.kainz},use=all",
        "plasma": f"plasma_cd138,data={asked.plasma},use=all",
        "dsb": f"dsb_purple,data={asked.dsb},subset=all",
    }
    for how in asked.how or list(HOW):
        for name, wish in wishes.items():
            if getattr(asked, name) is not None:
                write_scores(model, [measure(model, blobs, wish, how=how, out=asked.made / "elsewhere")])
    if asked.dsb is not None:
        draw(asked.made, asked.dsb, asked.made / "elsewhere" / f"dsb_purple-subset=all{ADJUSTED.suffix}")


def measure(model: Path, blobs: Path, wish: str, *, how: str, out: Path) -> MeasuredScore:
    """The score of the model on a set, beside that of the blob detector."""
    progress, adjusting = Terminal(console()), HOW[how]
    apply_model(model, [wish], progress, out=out, asked=adjusting)
    folder = f"{OtherSet.parse(wish).settled().name}{adjusting.suffix}"
    own = json.loads((out / folder / "metrics.json").read_text())
    elsewhere = apply_run(blobs, [wish], progress, asked=adjusting).elsewhere
    baseline = json.loads((elsewhere / folder / "metrics.json").read_text())["cd"]
    score = measured(own, baseline, how=how)
    print(score)
    return score


def draw(made: Path, dsb: Path, answers: Path) -> None:
    """Found, missed and false nuclei of the fields that the model never saw, in `gallery.png`."""
    files = answers / "predictions.json", answers / "truth.json"
    rules = resolve_protocol("paper", radius_px=RADIUS_PX)
    evaluation = evaluate_files(*files, rules, threshold=read_model(made / MODEL).threshold)
    split = open_dataset("dsb_purple").load(LoadRequest(data=dsb, options={"subset": "all"}))
    overlays = overlays_of(*read_pair(*files), evaluation.cd)
    draw_gallery(RunDir(made), overlays, split.samples["test"], most=6, progress=Terminal(console()))


def measured(own: Mapping[str, Any], baseline: Mapping[str, Any], *, how: str) -> MeasuredScore:
    """What a card says, from the two `metrics.json`."""
    scores = own["cd"]
    return MeasuredScore(
        on=own["set"]["dataset"],
        how=how,
        images=own["images"],
        groups=own["groups"],
        cells=own["cells"],
        f1=scores["f1"],
        f1_ci=_pair(scores["f1_ci"]),
        precision=scores["precision"],
        recall=scores["recall"],
        ap=scores["ap"],
        baseline=baseline["f1"],
        baseline_ci=_pair(baseline["f1_ci"]),
    )


def _pair(interval: list[float] | None) -> tuple[float, float] | None:
    return None if interval is None else (interval[0], interval[1])


if __name__ == "__main__":
    main()
