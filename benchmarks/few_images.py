"""What a start from a model is worth with few images: one patient held out, begun fresh and with `--from`.

    python benchmarks/few_images.py FOLDER [--images 5] [--model marrow-small] [--out FOLDER]

FOLDER is that of `plasma_cd138`. As many of its tiles are used: one of the patient that stops the training,
one of the patient that chooses the threshold, the others of the training patients, spread evenly. The test
patient is the same for all. Printed are the F1 between centres of the model without any training, and of
three runs: the few images from the model, the few from fresh weights, all of them from fresh weights.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import bmbench
from bmbench.benchmark.models.places import find_model
from bmbench.benchmark.protocol.adjustment import Adjusting
from bmbench.benchmark.run.apply_to_other_sets import apply_model
from bmbench.core.dataset import LoadRequest, Split, Subset
from bmbench.core.progress import Silent
from bmbench.core.types import Sample
from bmbench.datasets import open_dataset
from bmbench.datasets.formats.coco.samples import write_coco

STEPS_FEW, STEPS_ALL = 150, 500


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--images", type=int, default=5)
    parser.add_argument("--model", default="marrow-small")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/made/few"))
    parser.add_argument("--only", choices=["zero", "from", "fresh", "all"], action="append")
    asked = parser.parse_args()
    split = open_dataset("plasma_cd138").load(LoadRequest(data=asked.folder))
    few = asked.out / "few.json"
    write_few(few, split, asked.images)
    settings = {"views": 1, "patience": 100, "validate_every": 50}
    common = {"data": asked.folder / "training_tiles", "out": asked.out, "show_progress": False}
    short = settings | {"steps": STEPS_FEW}
    # A file of one's own is scored at a third of a cell; the set at its published radius.
    own = {"dataset_options": {"radius_px": f"{split.radius_px:g}"}}
    for one in asked.only or ("zero", "from", "fresh", "all"):
        if one == "zero":
            print(one, zero_shot(asked.model, asked.folder, asked.out), flush=True)
            continue
        if one == "all":
            run = bmbench.run(
                "unet_shrink",
                dataset="plasma_cd138",
                settings=settings | {"steps": STEPS_ALL},
                **(common | {"data": asked.folder}),
            )
        elif one == "from":
            gentle = short | {"learning_rate": 1e-3}
            run = bmbench.run("unet_shrink", dataset=few, start=asked.model, settings=gentle, **own, **common)
        else:
            run = bmbench.run("unet_shrink", dataset=few, settings=short, **own, **common)
        print(one, run.metrics["cd"]["f1"], run.metrics["cd"]["f1_ci"], run.folder, flush=True)


def zero_shot(model: str, folder: Path, out: Path) -> float:
    """F1 of a model on the test patient without any training."""
    asked = Adjusting(measured_scale=True, standardise=True)
    place = apply_model(
        find_model(model), [f"plasma_cd138,data={folder}"], Silent(), out=out / "zero", asked=asked
    )
    (file,) = place.glob("*/metrics.json")
    return float(json.loads(file.read_text())["cd"]["f1"])


def write_few(file: Path, split: Split, number: int) -> None:
    """A COCO file with few images to learn from, and all of the test patient."""
    parts: dict[Subset, Sequence[Sample]] = {
        "train": _spread(split.samples["train"], number - 2),
        "validation": _spread(split.samples["validation"], 1),
        "optimisation": _spread(split.samples["optimisation"], 1),
        "test": split.samples["test"],
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    samples = [sample for part in parts.values() for sample in part]
    subsets = {sample.image_id: subset for subset, part in parts.items() for sample in part}
    write_coco(file, samples, split.categories, subsets=subsets)


def _spread(samples: Sequence[Sample], number: int) -> list[Sample]:
    return [samples[place * len(samples) // number] for place in range(number)]


if __name__ == "__main__":
    main()
