"""Train the models that come with the package: `make models DSB=FOLDER`.

    python benchmarks/make_models.py --dsb FOLDER [--out FOLDER] [--seed 0] [--set NAME=VALUE]

`--dsb` is the folder of `dsb_purple` (CC0), of which the training, validation and optimisation fields are
used (docs/data.md); its test fields are never learned from. Beside them stand drawn tissues (`tissue.py`).
Every image is resized until its nuclei, as `--scale auto` measures them, have one size: what a user's image
will be brought to. Whole cells (smears) are not in the mix: a network that learns both puts centres into
cytoplasm.

What is left in `--out`: the mix (COCO), the run of the network, that of `blob_log` on the same mix, which
`measure_models.py` compares it with, and the model. Everything there is made again from the same seed.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image
from tissue import Nucleus, cut_nuclei, draw_tissue

import bmbench
from bmbench.adapters.images.appearance import cut, nucleus_diameter
from bmbench.adapters.images.working_scale import resized, working_size
from bmbench.benchmark.models.record import LearnedSet, ModelCard
from bmbench.benchmark.models.write import write_model
from bmbench.core.dataset import LoadRequest, Split, Subset
from bmbench.core.objects import scaled
from bmbench.core.types import CELL, Annotations, Pixels, Sample
from bmbench.datasets import open_dataset
from bmbench.datasets.formats.coco.samples import read_coco, write_coco
from bmbench.datasets.formats.label_image import draw_labels, label_annotations
from bmbench.datasets.sets.dsb_purple import CARD

MODEL = "marrow-small"
NUCLEUS_PX = 17.320508
"""Size of nuclei in the mix, as they are measured: large enough for chromatin to be seen."""
TISSUE: dict[Subset, int] = {"train": 60, "validation": 4, "optimisation": 8}
"""Drawn images by subset; nuclei of the training fields are in those of training alone."""
TISSUE_PX = 512
SETTINGS = {
    "width": 8,
    "patch_px": 128,
    "steps": 700,
    "stain_jitter": 0.2,
    "stain_shift": 0.4,
    "scale_jitter": 1.4,
    "validate_every": 100,
    "validation_patches": 24,
    "patience": 100,
    "views": 1,
    # Of what was tried on the optimisation images of the mix, the best: pale nuclei of coarse chromatin stay
    # whole, and what is smaller than a third of a nucleus is none.
    "marker": 0.4,
    "smallest": 39.0,
}
THRESHOLD = 0.5
"""A nucleus is what the network takes for one rather than not. The threshold that is best on the mix is far
lower, for the mix has many faint nuclei; it gives every shade of a strongly stained section."""
LIMITS = (
    "Its threshold does not travel: in strong stains shades between nuclei are reported; look, and raise it.",
    "Faint nuclei are missed at its threshold in weak stains, and crowded ones are taken for one.",
    "On images with few nuclei, or with dark clumps, --scale auto may measure those: look at what it prints.",
    "Whole cells are not found: the centre is that of the nucleus, and a cell without one is missed.",
    "Smears were neither learned nor measured; there the measured size may be that of red cells.",
)
LEARNED: tuple[Subset, ...] = ("train", "validation", "optimisation")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--dsb", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/made/models"))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    asked = parser.parse_args()
    split = open_dataset("dsb_purple").load(LoadRequest(data=asked.dsb, options={"subset": "all"}))
    mix = asked.out / "mix" / "mix.json"
    if not mix.is_file():
        make_mix(mix, split, asked.seed)
    settings = SETTINGS | dict(pair.split("=", 1) for pair in asked.set)
    common = {"dataset": mix, "seed": asked.seed, "out": asked.out / "runs"}
    run = bmbench.run("unet_shrink", settings=settings, **common)
    blobs = bmbench.run("blob_log", **common)
    model = asked.out / MODEL
    write_model(model, run.folder, card=card(split, mix), threshold=THRESHOLD)
    print(f"{run.table()}\n{run.folder}\n{blobs.folder}\n{model}")


def card(split: Split, mix: Path) -> ModelCard:
    """The card of the model, without scores: `measure_models.py` puts them on it."""
    learned = [sample for subset in LEARNED for sample in split.samples[subset]]
    fields = LearnedSet(
        dataset=CARD.name,
        licence=CARD.licence,
        citation=CARD.citation,
        images=len(learned),
        cells=sum(len(sample.annotations) for sample in learned),
        names=[sample.name for sample in learned],
    )
    in_mix = read_coco(mix).samples
    cells = [len(sample.annotations) for sample in in_mix if sample.name.startswith("tissue")]
    drawn = LearnedSet(
        dataset="drawn tissue",
        licence="CC0 (nuclei of dsb_purple, and drawn ones)",
        citation="benchmarks/tissue.py",
        images=len(cells),
        cells=sum(cells),
    )
    return ModelCard(
        title="nuclei of marrow sections and other stained tissue, for a start",
        finds="nuclei, outlined; not whole cells",
        licence="CC0",
        recipe="make models DSB=FOLDER",
        advice="--scale auto --standardise",
        data=[fields, drawn],
        limits=list(LIMITS),
    )


def make_mix(file: Path, split: Split, seed: int) -> None:
    """Write the mix: a COCO file and its images, each in a subset."""
    samples, subsets = list[Sample](), dict[str, Subset]()
    banks: dict[bool, list[Nucleus]] = {True: [], False: []}
    file.parent.mkdir(parents=True, exist_ok=True)

    def add(name: str, subset: Subset, pixels: Pixels, annotations: Annotations) -> None:
        Image.fromarray(pixels).save(file.parent / f"{name}.png")
        height, width = pixels.shape[:2]
        samples.append(
            Sample(
                image_id=name,
                name=f"{name}.png",
                width=width,
                height=height,
                group=name,
                annotations=annotations,
                load=lambda: pixels,
            )
        )
        subsets[name] = subset

    for subset in LEARNED:
        for name, pixels, marked in same_size(split.samples[subset]):
            labels = draw_labels(marked, pixels.shape[:2]).astype(np.int64)
            banks[subset == "train"] += cut_nuclei(pixels, labels)
            add(name, subset, pixels, marked)
    for subset, number in TISSUE.items():
        for one in range(number):
            rng = np.random.default_rng([seed, len(samples), one])
            pixels, drawn = draw_tissue(banks[subset == "train"], TISSUE_PX, rng)
            add(f"tissue_{subset}_{one:02}", subset, pixels, label_annotations(drawn))
    # A run needs images to test: fields that the model does not learn from.
    for name, pixels, marked in same_size(split.samples["test"]):
        add(name, "test", pixels, marked)
    write_coco(file, samples, [CELL], subsets=subsets)


def same_size(samples: tuple[Sample, ...]) -> Iterator[tuple[str, Pixels, Annotations]]:
    """Name, pixels and annotations of images whose nuclei measure `NUCLEUS_PX`."""
    for sample in samples:
        image = sample.load()
        height, width = image.shape[:2]
        size = working_size(width, height, NUCLEUS_PX / (nucleus_diameter(cut(image)) or NUCLEUS_PX))
        marked = scaled(sample.annotations, np.array(size) / (width, height))
        yield Path(sample.name).stem, resized(image, size), marked


if __name__ == "__main__":
    main()
