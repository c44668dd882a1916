"""What most published sets are made of: a picture a sample, boxes with classes."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from bmbench.core.geometry import box_centre
from bmbench.core.types import Annotations, Category, Floats, Ints, Role, Sample
from bmbench.datasets.reading.images import read_rgb


def image_sample(
    file: Path,
    size: tuple[int, int],
    annotations: Annotations,
    *,
    within: Path,
    folder: str = "",
    group: str | None = None,
) -> Sample:
    """The sample of a picture, called by its name in the set.

    Parameters
    ----------
    size : (width, height), pixels
    folder : str
        What stands before its name where names repeat in other folders, with a slash at its end.
    group : str, optional
        Without it, the picture is a group of its own.
    """
    name = f"{folder}{file.stem}"
    return Sample(
        image_id=name,
        name=f"{folder}{file.name}",
        width=size[0],
        height=size[1],
        group=name if group is None else group,
        annotations=annotations,
        load=partial(read_rgb, file, size, within=within),
        file=file,
        within=within,
    )


def boxes_of_classes(box: Floats, label: Ints, categories: Sequence[Category]) -> Annotations:
    """The objects of (n, 4) boxes and the (n,) rows of their categories: cells, or artefacts if these are."""
    artefact = np.array([category.artefact for category in categories], bool)[label]
    role = np.where(artefact, int(Role.ARTEFACT), int(Role.CELL))
    return Annotations.of(xy=box_centre(box), box=box, label=label, role=role)
