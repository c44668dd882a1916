"""Which images are of one patient, by the table or pattern of the user."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from bmbench.core.types import Annotations, Pixels, Sample
from bmbench.datasets.formats.codec import Content
from bmbench.datasets.formats.groups import WithoutGroupError, with_groups


def patients_by_image(
    names: Sequence[str], choices: Mapping[str, str], folder: Path, *, readable: Callable[[str], bool]
) -> tuple[dict[str, str], tuple[str, ...]]:
    """The patient of each image, and notes; no patients where nobody states any.

    A table ``bmbench-groups.csv`` in `folder` is read without being asked for, as of a data set. An image
    that is not `readable` needs no patient: it is named, and not counted.

    Raises
    ------
    BadInputError
        If the table or the pattern has no sense, or an image that can be read has no patient by it.
    """
    samples = tuple(
        Sample(
            image_id=name,
            name=name,
            width=1,
            height=1,
            group=name,
            annotations=Annotations.empty(),
            load=_none,
        )
        for name in names
    )
    try:
        content = with_groups(Content(samples=samples, categories=()), choices, folder)
    except WithoutGroupError as error:
        if len(error.images) == len(names) or any(map(readable, error.images)):
            raise
        counted = tuple(sample for sample in samples if sample.name not in error.images)
        content = with_groups(Content(samples=counted, categories=()), choices, folder)
    stated = any(sample.group != sample.name for sample in content.samples)
    return ({sample.name: sample.group for sample in content.samples} if stated else {}), content.notes


def _none() -> Pixels:
    return np.zeros((1, 1, 3), np.uint8)
