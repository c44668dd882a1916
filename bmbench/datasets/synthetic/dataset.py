"""The embedded data set: synthetic bone-marrow smears, drawn when they are asked for.

Image i lies on slide i modulo 18. Slides stand for patients: each has its own stain, light, focus and
density, and every slide belongs to one subset only. With 18 images or more, ten slides are for training, two
for validation, two for optimisation and four for testing (56, 11, 11 and 22 %).

Options: ``images`` (36), ``size`` (512, pixels), ``scale`` (44, mean cell diameter in pixels), ``seed`` (0),
``stain`` (pappenheim, pale, dark, purple, haematoxylin-eosin: the same cells in other colours).
"""

from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path

from bmbench.core.dataset import SUBSETS, Dataset, DatasetCard, LoadRequest, Split, Subset
from bmbench.core.errors import BadInputError
from bmbench.core.files import is_empty, make_folder, writing_folder
from bmbench.core.progress import Progress
from bmbench.core.types import Pixels, Sample
from bmbench.datasets.sets.options import choice, known_options, positive
from bmbench.datasets.synthetic.kinds import CATEGORIES, MEAN_CELL_UM
from bmbench.datasets.synthetic.scene import annotate, compose
from bmbench.datasets.synthetic.stain import LOOKS, N_SLIDES, PLAIN

N_IMAGES = 36
SIZE_PX = 512
CELL_PX = 44.0
"""Mean cell diameter: about a quarter of the study's 63x scale (165 px)."""
SIZES_PX = (256, 2048)
SCALES_PX = (16.0, 400.0)
LARGEST_KEPT_PX = 1024
"""Rendered images up to this size are kept in memory; larger ones are drawn anew at every `load`."""


def radius_px(cell_px: float) -> float:
    """The matching limit between centres: a third of the mean cell diameter, as in the study."""
    return round(cell_px / 3, 2)


def sample(
    number: int, *, seed: int = 0, size_px: int = SIZE_PX, cell_px: float = CELL_PX, stain: str = PLAIN
) -> Sample:
    """Image `number` of cohort `seed`; it does not depend on how many images there are."""
    annotations = annotate(compose(seed=seed, number=number, size_px=size_px, cell_px=cell_px))
    slide = f"slide_{number % N_SLIDES + 1}"
    name = f"marrow_s{seed}_{number:04d}"
    return Sample(
        image_id=number + 1,
        name=name,
        width=size_px,
        height=size_px,
        group=slide,
        annotations=annotations,
        load=partial(_pixels, seed, number, size_px, cell_px, stain),
        um_per_px=MEAN_CELL_UM / cell_px,
    )


def load(request: LoadRequest) -> Split:
    """The samples by subset; nothing is rendered yet.

    The images depend on the option `seed` alone, not on the seed of the run: everybody's default is the same.

    Raises
    ------
    BadInputError
        If an option is unknown or out of range.
    """
    known_options(request, ("images", "size", "scale", "seed", "stain"))
    n_images = _whole(request, "images", N_IMAGES, (len(SUBSETS), 100_000))
    size_px = _whole(request, "size", SIZE_PX, SIZES_PX)
    seed = _whole(request, "seed", 0, (0, 2**32 - 1))
    cell_px = positive(request, "scale", CELL_PX)
    if not SCALES_PX[0] <= cell_px <= SCALES_PX[1]:
        expected = f"{SCALES_PX[0]:g} to {SCALES_PX[1]:g} px"
        raise BadInputError("data set option scale", expected=expected, got=f"{cell_px:g}")
    stain = choice(request, "stain", PLAIN, tuple(LOOKS))
    subsets: dict[Subset, list[Sample]] = {"train": [], "validation": [], "optimisation": [], "test": []}
    of_slide = slide_subsets(min(n_images, N_SLIDES))
    for number in range(n_images):
        here = sample(number, seed=seed, size_px=size_px, cell_px=cell_px, stain=stain)
        subsets[of_slide[number % N_SLIDES]].append(here)
    return Split(
        samples={subset: tuple(samples) for subset, samples in subsets.items()},
        radius_px=radius_px(cell_px),
        categories=CATEGORIES,
    )


def slide_subsets(n_slides: int) -> tuple[Subset, ...]:
    """The subset of each of four or more slides: 11 % to validate, 11 % to optimise, 22 % to test on."""
    part, test = max(1, round(0.11 * n_slides)), max(1, round(0.22 * n_slides))
    train = n_slides - test - 2 * part
    subsets: list[Subset] = ["train"] * train
    subsets += ["validation"] * part
    subsets += ["optimisation"] * part
    subsets += ["test"] * test
    return tuple(subsets)


def synthesise(folder: Path, *, n_images: int, size_px: int, seed: int, progress: Progress) -> None:
    """Write ``images/NAME.png`` and ``annotations.json`` (COCO) into a new or empty folder, all or nothing.

    Raises
    ------
    BadInputError
        If the folder holds anything.
    RunFailedError
        If the disk refuses (full, read-only, no permission).
    """
    from PIL import Image

    from bmbench.datasets.formats.coco.samples import write_coco

    if not is_empty(folder):
        raise BadInputError("is not an empty folder", where=str(folder), remedy="choose a new one")
    written, subsets = [], {}
    of_slide = slide_subsets(min(n_images, N_SLIDES)) if n_images >= len(SUBSETS) else ()
    with writing_folder(folder) as aside:
        make_folder(aside / "images")
        for number in progress.track(range(n_images), description="Drawing smears", total=n_images):
            here = sample(number, seed=seed, size_px=size_px)
            path = aside / "images" / f"{here.name}.png"
            Image.fromarray(here.load()).save(path, format="PNG")
            written.append(replace(here, file=path))
            if of_slide:
                subsets[here.image_id] = of_slide[number % N_SLIDES]
        write_coco(aside / "annotations.json", written, CATEGORIES, subsets=subsets)


def _whole(request: LoadRequest, name: str, default: int, limits: tuple[int, int]) -> int:
    text = request.options.get(name, str(default))
    if not (text.isascii() and text.isdigit() and limits[0] <= int(text) <= limits[1]):
        expected = f"a whole number from {limits[0]} to {limits[1]}"
        raise BadInputError(f"data set option {name}", expected=expected, got=repr(text))
    return int(text)


def _pixels(seed: int, number: int, size_px: int, cell_px: float, stain: str) -> Pixels:
    draw = _kept if size_px <= LARGEST_KEPT_PX else _drawn
    return draw(seed, number, size_px, cell_px, stain).copy()


def _drawn(seed: int, number: int, size_px: int, cell_px: float, stain: str) -> Pixels:
    from bmbench.datasets.synthetic.render import render

    scene = compose(seed=seed, number=number, size_px=size_px, cell_px=cell_px)
    return render(replace(scene, slide=LOOKS[stain](scene.slide)))


_kept = lru_cache(maxsize=64)(_drawn)


DATASET = Dataset(
    card=DatasetCard(
        name="synthetic",
        title="Synthetic bone-marrow smears",
        modality="bone-marrow smear, Pappenheim stain, synthetic",
        annotation="contours",
        licence="Apache-2.0",
        citation="bmbench, embedded generator",
        radius_px=radius_px(CELL_PX),
        um_per_px=round(MEAN_CELL_UM / CELL_PX, 4),
    ),
    load=load,
)
