"""Draw docs/images/marrow_1.jpg: the tiers of `marrow_1`, and the looks of its test slides."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from bmbench.core.types import Role
from bmbench.datasets.synthetic.marrow_1.dataset import CLASSES, TEST_FIELDS, field_of_view
from bmbench.datasets.synthetic.marrow_1.slides import TEST_LOOKS

COLUMNS, HALF_PX = 8, 30
TIERS = {
    "cell, by itself": lambda name, near: name not in {"megakaryocyte", "mitosis"} and near > 1.2,
    "touching": lambda name, near: name not in {"megakaryocyte", "mitosis"} and 0.9 < near < 1.05,
    "overlapping": lambda name, near: name not in {"megakaryocyte", "mitosis"} and near < 0.82,
    "megakaryocyte": lambda name, _: name == "megakaryocyte",
    "mitosis": lambda name, _: name == "mitosis",
    "damaged by a cut": lambda name, _: name == "damaged cell",
    "bare nucleus": lambda name, _: name == "bare nucleus",
    "smudge cell": lambda name, _: name == "smudge cell",
    "precipitate": lambda name, _: name == "precipitate",
    "granules": lambda name, _: name == "granules",
}
ARTEFACTS = {"damaged by a cut", "bare nucleus", "smudge cell", "precipitate", "granules"}


def crops() -> dict[str, list[np.ndarray]]:
    """Pictures of each tier from familiar slides, one object of a field."""
    found = defaultdict(list)
    for slide in (slide for slide, look in enumerate(TEST_LOOKS) if look == "familiar"):
        for field in range(TEST_FIELDS):
            here = field_of_view("test", slide, field)
            pixels, marks = here.load(), here.annotations
            radius = (marks.box[:, 2:] - marks.box[:, :2]).mean(axis=1) / 2
            apart = np.hypot(*(marks.xy[:, None] - marks.xy[None]).transpose(2, 0, 1))
            near = apart / (radius[:, None] + radius[None])
            np.fill_diagonal(near, np.inf)
            taken = set()
            for row in range(len(marks)):
                x, y = (int(v) for v in marks.xy[row])
                if min(x, y, len(pixels) - x, len(pixels) - y) < HALF_PX or marks.role[row] == Role.IGNORE:
                    continue
                name, artefact = CLASSES[marks.label[row]].name, marks.role[row] == Role.ARTEFACT
                for tier, fits in TIERS.items():
                    if tier not in taken and (tier in ARTEFACTS) == artefact and fits(name, near[row].min()):
                        taken.add(tier)
                        found[tier].append(pixels[y - HALF_PX : y + HALF_PX, x - HALF_PX : x + HALF_PX])
    return found


def main() -> None:
    """Write the picture."""
    figure = Figure(figsize=(8.6, 14.4), layout="constrained")
    upper, lower = figure.subfigures(2, 1, height_ratios=(10.4, 3.4))
    axes = upper.subplots(len(TIERS), COLUMNS)
    found = crops()
    for line, tier in enumerate(TIERS):
        pictures = found[tier]
        for place, ax in enumerate(axes[line]):
            ax.set(xticks=[], yticks=[])
            if place < len(pictures):
                ax.imshow(pictures[place])
            else:
                ax.axis("off")
        axes[line, 0].set_ylabel(tier, rotation=0, ha="right", va="center", fontsize=9)
    looks = dict.fromkeys(TEST_LOOKS)
    fields = lower.subplots(2, 4).ravel()
    for ax in fields:
        ax.axis("off")
    for ax, look in zip(fields, looks, strict=False):
        fields_of = [field_of_view("test", TEST_LOOKS.index(look), field) for field in range(TEST_FIELDS)]
        fullest = max(fields_of, key=lambda one: len(one.annotations))
        ax.imshow(fullest.load()[:220, :220])
        ax.set_title(look, fontsize=9)
    path = Path(__file__).parent / "images" / "marrow_1.jpg"
    figure.savefig(path, dpi=100, pil_kwargs={"quality": 82, "optimize": True})


main()
