"""How many annotations are enough, measured: the page docs/results/budget.md and its pictures.

    python benchmarks/budget_curves.py PLASMA_FOLDER [--seeds 0,1,2] [--work FOLDER] [--no-runs]

`bmbench budget` on the embedded set, which is written out first so that it is drawn once and not by every
run, and on `plasma_cd138`. 45 short trainings, about a minute of one core each; the same command goes on
where a killed one stood. `--no-runs` writes the page of whatever is finished.
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Mapping
from pathlib import Path

from bmbench.benchmark.budget.options import BudgetOptions
from bmbench.benchmark.budget.plan import plan_budget, run_budget
from bmbench.benchmark.budget.points import BudgetPoint, budget_points
from bmbench.benchmark.budget.report import HEADER, about, budget_rows, write_budget
from bmbench.benchmark.reproduce.options import ReproduceOptions, parse_seeds
from bmbench.core.files import write_text
from bmbench.core.progress import Silent
from bmbench.datasets.synthetic.dataset import synthesise
from bmbench.present.markdown import bullets, paragraph, table

RESULTS = Path(__file__).resolve().parents[1] / "docs" / "results"
MADE = Path(__file__).resolve().parent / "made" / "budget"
SETTINGS = ("steps=250", "batch=4", "views=1")
"""Less than half of the steps of the profile `quick`, and half of its patches in each."""
RADIUS_PX = "14.67"
"""That of the embedded set, whose file does not say it."""
TITLES = {
    "synthetic": "The embedded smears: circles against contours",
    "plasma_cd138": "CD138 trephines: circles around points",
}
_ABOUT = """Made by `benchmarks/budget_curves.py`, which runs `bmbench budget` ([how many annotations are
enough](../how-many-annotations.md)) with the small U-Net `unet_shrink`, profile `quick`, shortened:
`--set steps=250 --set batch=4 --set views=1`, a fifth of the patches that `quick` learns from. A network that
learns longer scores higher at every share, and may go on gaining where this one has stopped."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("plasma", type=Path)
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--work", type=Path, default=MADE)
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--only", choices=list(TITLES), action="append")
    parser.add_argument("--no-runs", action="store_true")
    asked = parser.parse_args()
    budgets = options_of(asked.work, asked.plasma, parse_seeds(asked.seeds))
    if not (asked.work / "marrow").is_dir():
        synthesise(asked.work / "marrow", n_images=36, size_px=512, seed=0, progress=Silent())
    for name, options in budgets.items():
        if not asked.no_runs and name in (asked.only or TITLES):
            _, failures = run_budget(options, Silent(), print)
            print(name, failures)
    sections = [section(name, options, asked.out) for name, options in budgets.items()]
    page = ["# How many annotations were enough", paragraph(_ABOUT), *filter(None, sections)]
    write_text(asked.out / "budget.md", "\n\n".join(page) + "\n")


def options_of(work: Path, plasma: Path, seeds: tuple[int, ...]) -> Mapping[str, BudgetOptions]:
    """What is asked of each set."""
    sets = {
        "synthetic": {"dataset": str(work / "marrow"), "dataset_options": {"radius_px": RADIUS_PX}},
        "plasma_cd138": {"dataset": "plasma_cd138", "data": plasma},
    }
    return {
        name: BudgetOptions(
            study=ReproduceOptions(
                out=work / name, methods=("unet_shrink",), settings=SETTINGS, seeds=seeds, search=0, **more
            )
        )
        for name, more in sets.items()
    }


def section(name: str, options: BudgetOptions, out: Path) -> str:
    """The table and the picture of one set; empty where no run of it is finished."""
    plan = plan_budget(options)
    points = budget_points(plan.studies, options)
    if not points:
        return ""
    write_budget(points, options, plan.notes)
    shutil.copy(options.study.out / "budget.png", out / f"budget-{name}.png")
    notes = [text for text in (*about(options), *plan.notes) if not text.startswith("Settings")]
    return "\n\n".join(
        [
            f"## {TITLES[name]}",
            bullets([*notes, seeds_of(points)]),
            table(("share", *HEADER), budget_rows(points)),
            f"![F1 against minutes of annotation](budget-{name}.png)",
        ]
    )


def seeds_of(points: list[BudgetPoint]) -> str:
    """How many trainings stand behind the rows."""
    counts = sorted({point.f1.n_seeds for point in points})
    seeds = " to ".join(str(n) for n in dict.fromkeys((counts[0], counts[-1])))
    return f"Trainings a row: {seeds}. Test groups (slides, patients): {points[0].f1.n_units}."


if __name__ == "__main__":
    main()
