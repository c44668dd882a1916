"""`bmbench datasets weaken`: a whole set as weak circles; and sets written beside their images."""

import dataclasses
import os
from pathlib import Path

import numpy as np

from bmbench.core.errors import BadInputError
from bmbench.core.geometry import circle_box
from bmbench.core.types import Annotations
from bmbench.datasets.formats.coco.samples import write_coco
from bmbench.datasets.formats.codec import Content
from bmbench.datasets.weak.simulator import scaled_jitter, weaken_all


def weaken_content(
    content: Content, *, seed: int, jitter_px: float | None = None, radius_px: float | None = None
) -> tuple[Content, float]:
    """The same images with simulated circles, and the jitter used (by default that of the study, scaled).

    `radius_px` is given to points, which have no extent to start from; without it they are refused.
    """
    grown = [_with_radius(s.annotations, radius_px, s.name) for s in content.samples]
    jitter = scaled_jitter(grown) if jitter_px is None else jitter_px
    ids = [sample.image_id for sample in content.samples]
    weak = weaken_all(grown, ids, seed=seed, jitter_px=jitter)
    samples = tuple(
        dataclasses.replace(sample, annotations=circles)
        for sample, circles in zip(content.samples, weak, strict=True)
    )
    return dataclasses.replace(content, samples=samples), jitter


def write_beside(path: Path, content: Content) -> tuple[str, ...]:
    """Write a COCO file whose image names lead from its folder to the images.

    Returns
    -------
    tuple of str
        What the user must know: which folder to name where images lie outside that of the file.

    Raises
    ------
    BadInputError
        If the file would replace another one, or an image has no file that it could name.
    """
    if path.exists():
        raise BadInputError("exists", where=str(path), remedy="choose a new name")
    if path.suffix.lower() != ".json":
        raise BadInputError("not the name of a COCO file", where=str(path), expected="NAME.json")
    samples = []
    for sample in content.samples:
        if sample.file is None:
            raise BadInputError(
                f"{sample.name} is drawn when it is asked for and has no file",
                remedy="write the set first: bmbench datasets convert … --to coco",
            )
        name = Path(os.path.relpath(sample.file.resolve(), path.parent.resolve())).as_posix()
        group = sample.group if sample.group != sample.name else name
        samples.append(dataclasses.replace(sample, name=name, group=group))
    write_coco(path, samples, content.categories, subsets=content.subsets)
    if not any(sample.name.startswith("../") for sample in samples):
        return ()
    common = os.path.commonpath(
        [sample.file.resolve().parent for sample in samples if sample.file is not None]
    )
    return (f"images lie outside the folder of {path.name}: to use it, name {common} with --data",)


def _with_radius(annotations: Annotations, radius_px: float | None, name: str) -> Annotations:
    point = np.any(annotations.box[:, 2:] <= annotations.box[:, :2], axis=1)
    if not point.any():
        return annotations
    if radius_px is None:
        raise BadInputError(
            f"{int(point.sum())} points without a size",
            where=name,
            remedy="give their radius with --radius-px",
        )
    if not np.isfinite(radius_px):
        raise BadInputError("--radius-px", expected="a finite number", got=str(radius_px))
    circle = np.where(
        point[:, None], np.column_stack([annotations.xy, np.full(len(point), radius_px)]), annotations.circle
    )
    box = np.where(point[:, None], circle_box(circle), annotations.box)
    return dataclasses.replace(annotations, circle=circle, box=box)
