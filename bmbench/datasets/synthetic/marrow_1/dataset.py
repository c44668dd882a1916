"""`marrow_1`: 60 test images on 20 slides that decide between methods, and training data in three sizes.

Nothing is downloaded: images are drawn when they are asked for, the same ones everywhere. What makes the set
hard stands in `objects` (look-alikes, by tier), `slides` (looks of test slides that no training slide has)
and `raters` (labels of training data as people make them). Test images carry the truth.

Options: ``training`` (medium; small, large), ``labels`` (rater; true: without label noise, to measure what it
costs), ``test_slides`` (20, the first so many).
"""

from __future__ import annotations

from functools import lru_cache, partial

import numpy as np

from bmbench.core.dataset import Dataset, DatasetCard, LoadRequest, Split, Subset
from bmbench.core.errors import BadInputError
from bmbench.core.types import Pixels, Sample
from bmbench.datasets.sets.options import choice, known_options
from bmbench.datasets.synthetic.kinds import MEAN_CELL_UM
from bmbench.datasets.synthetic.marrow_1.fields import CELL_PX, SIZE_PX, compose_field
from bmbench.datasets.synthetic.marrow_1.objects import CLASSES
from bmbench.datasets.synthetic.marrow_1.painting import paint_object
from bmbench.datasets.synthetic.marrow_1.raters import marks_of
from bmbench.datasets.synthetic.marrow_1.slides import FAMILIAR, TEST_LOOKS, slide_of
from bmbench.datasets.synthetic.render import render
from bmbench.datasets.synthetic.scene import Scene, annotate

PARTS: dict[Subset, int] = {"train": 1, "validation": 2, "optimisation": 3, "test": 4}
"""Numbers that the random streams of each subset start from."""
TRAINING = {"small": (6, 2), "medium": (12, 3), "large": (24, 4)}
"""Slides, and fields of each; a smaller one is a part of a larger one."""
KEPT_BACK: dict[Subset, tuple[int, int]] = {"validation": (4, 2), "optimisation": (6, 2)}
TEST_FIELDS = 3
FEWEST_TEST_SLIDES = 2
RADIUS_PX = round(CELL_PX / 3, 2)
"""The matching limit between centres: a third of the mean cell diameter, as in the study."""


def field_of_view(subset: Subset, slide: int, field: int, *, labels: str = "rater") -> Sample:
    """One image; it does not depend on how many others are asked for."""
    look = TEST_LOOKS[slide] if subset == "test" else FAMILIAR
    truth = annotate(_scene(PARTS[subset], slide, field, look), CLASSES)
    if subset != "test" and labels == "rater":
        truth = marks_of(truth, _rater(PARTS[subset], slide, field, 1))
    tail = f"_{look}" if subset == "test" else ""
    return Sample(
        image_id=1000 * PARTS[subset] + 10 * slide + field,
        name=f"marrow1_{subset}_{slide + 1:02d}_{field + 1}",
        width=SIZE_PX,
        height=SIZE_PX,
        group=f"{subset}_{slide + 1:02d}{tail}",
        annotations=truth,
        load=partial(_pixels, PARTS[subset], slide, field, look),
        um_per_px=MEAN_CELL_UM / CELL_PX,
    )


def rater_of_test(slide: int, field: int, rater: int) -> Sample:
    """A test image with the marks of one of several raters, for the human line."""
    here = field_of_view("test", slide, field)
    marks = marks_of(here.annotations, _rater(PARTS["test"], slide, field, rater))
    return Sample(
        image_id=here.image_id,
        name=here.name,
        width=here.width,
        height=here.height,
        group=here.group,
        annotations=marks,
        load=here.load,
        um_per_px=here.um_per_px,
    )


def load(request: LoadRequest) -> Split:
    """The samples by subset; nothing is drawn yet. The seed of a run changes nothing.

    Raises
    ------
    BadInputError
        If an option is unknown or out of range.
    """
    known_options(request, ("training", "labels", "test_slides"))
    sizes = KEPT_BACK | {"train": TRAINING[choice(request, "training", "medium", tuple(TRAINING))]}
    labels = choice(request, "labels", "rater", ("rater", "true"))
    sizes["test"] = (_test_slides(request), TEST_FIELDS)
    return Split(
        samples={
            subset: tuple(
                field_of_view(subset, slide, field, labels=labels)
                for slide in range(sizes[subset][0])
                for field in range(sizes[subset][1])
            )
            for subset in PARTS
        },
        radius_px=RADIUS_PX,
        categories=CLASSES,
        split_from="the set's own: slides of each subset are drawn for it alone",
    )


def _test_slides(request: LoadRequest) -> int:
    text = request.options.get("test_slides", str(len(TEST_LOOKS)))
    if not (text.isascii() and text.isdigit() and FEWEST_TEST_SLIDES <= int(text) <= len(TEST_LOOKS)):
        expected = f"a whole number from {FEWEST_TEST_SLIDES} to {len(TEST_LOOKS)}"
        raise BadInputError("data set option test_slides", expected=expected, got=repr(text))
    return int(text)


def _rater(part: int, slide: int, field: int, rater: int) -> np.random.Generator:
    return np.random.default_rng([1, 11, part, slide, field, rater])


def _scene(part: int, slide: int, field: int, look: str) -> Scene:
    return compose_field(part, 10 * slide + field, slide_of(part, slide, look))


def _pixels(part: int, slide: int, field: int, look: str) -> Pixels:
    return _drawn(part, slide, field, look).copy()


@lru_cache(maxsize=192)
def _drawn(part: int, slide: int, field: int, look: str) -> Pixels:
    return render(_scene(part, slide, field, look), paint_object)


DATASET = Dataset(
    card=DatasetCard(
        name="marrow_1",
        title="marrow-1: synthetic smears that are hard on purpose",
        modality="bone-marrow smear, Pappenheim stain and other looks, synthetic",
        annotation="contours",
        licence="Apache-2.0",
        citation="bmbench, embedded generator",
        radius_px=RADIUS_PX,
        um_per_px=round(MEAN_CELL_UM / CELL_PX, 4),
    ),
    load=load,
)
