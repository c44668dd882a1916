"""The images of any data set, known by name or a user's own, as one set."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bmbench.core.dataset import LoadRequest
from bmbench.datasets import DATASETS
from bmbench.datasets.formats.codec import Content
from bmbench.datasets.formats.recognise import read_any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def open_contents(
    name: str, *, data: Path | None = None, options: Mapping[str, str] | None = None, seed: int = 0
) -> Content:
    """Every image of a data set: of a known one with its subsets, of a file with what it says.

    Parameters
    ----------
    name : str
        A name of `DATASETS`, ``PATH`` or ``FORMAT:PATH``.
    data : Path, optional
        The folder of the files (of a known set) or of the images (of a file).

    Raises
    ------
    BadInputError
        If the files are missing, damaged, or in no known format.
    """
    if name not in DATASETS:
        return read_any(name, data)
    split = DATASETS.get(name).load(LoadRequest(data=data, seed=seed, options=options or {}))
    return Content(
        samples=tuple(sample for part in split.samples.values() for sample in part),
        categories=split.categories,
        subsets={sample.image_id: subset for subset, part in split.samples.items() for sample in part},
        notes=split.faults,
    )
