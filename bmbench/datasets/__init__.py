"""Data sets: published ones and a user's own, every format, splits, weak annotations, a generator.

::

    reading     JSON, XML and images from outside, within limits
    formats     one annotation format a file; the table of all
    slides      whole-slide images
    splits      subsets, and the proof that nothing leaks
    weak        the simulator of weak circles
    synthetic   smears drawn with known cells
    fetch       published sets from their servers
    sets        one published set a file; a user's own files
    describe    what `bmbench datasets info` says
    exchange    convert, split, weaken, import corrections and answers
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from bmbench.core.gate import plain_text
from bmbench.core.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bmbench.core.dataset import Dataset

DATASETS: Registry[Dataset] = Registry(
    "data set",
    (
        ("synthetic", "bmbench.datasets.synthetic.dataset:DATASET"),
        ("marrow_1", "bmbench.datasets.synthetic.marrow_1.dataset:DATASET"),
        ("kainz", "bmbench.datasets.sets.kainz:DATASET"),
        ("kainz_mbm", "bmbench.datasets.sets.kainz:DATASET_MBM"),
        ("dsb_purple", "bmbench.datasets.sets.dsb_purple:DATASET"),
        ("bccd", "bmbench.datasets.sets.bccd:DATASET"),
        ("bonemarrow_wsi", "bmbench.datasets.sets.bone_marrow_wsi:DATASET"),
        ("nuinsseg", "bmbench.datasets.sets.nuinsseg:DATASET"),
        ("midog", "bmbench.datasets.sets.midog:DATASET"),
        ("segpc2021", "bmbench.datasets.sets.segpc:DATASET"),
        ("plasma_cd138", "bmbench.datasets.sets.plasma_cd138:DATASET"),
        ("pig_wbc", "bmbench.datasets.sets.pig_wbc:DATASET"),
        ("leukemia_attri", "bmbench.datasets.sets.leukemia_attri:DATASET"),
        ("cytologia", "bmbench.datasets.sets.cytologia:DATASET"),
        ("pcmmd", "bmbench.datasets.sets.pcmmd:DATASET"),
        ("myeloma_ufba", "bmbench.datasets.sets.myeloma_ufba:DATASET"),
    ),
    group="bmbench.datasets",
    adopt="bmbench.datasets.sets.plugin:adopt_dataset",
)
"""Every data set that bmbench knows by name."""


def open_dataset(name: str, *, data: Path | None = None, options: Mapping[str, str] | None = None) -> Dataset:
    """The data set of that name, or the one in a user's own file or folder at that path.

    The files may be in any format of `bmbench.datasets.formats.FORMATS`; ``FORMAT:PATH`` names it where the
    files do not tell. `data` is the folder of the images, where they do not lie beside such a file, and
    `options` what will be asked for when it is loaded: a file's card depends on it.

    Raises
    ------
    UnknownNameError
        If it is neither.
    """
    if name in DATASETS:
        return DATASETS.get(name)
    path = Path(name)
    if path.suffix or len(path.parts) > 1 or ":" in name or path.exists():
        from bmbench.datasets.sets.own_files import own_dataset

        return own_dataset(name, data, options)
    return DATASETS.get(name)


def absolute_dataset(name: str) -> str:
    """The name of a data set, or the absolute path of a file or folder with its format, if it has one.

    Raises
    ------
    BadInputError
        If the path is no text: no record could hold it, and no picture could show it.
    """
    if name in DATASETS:
        return name
    from bmbench.datasets.formats.file_kinds import split_name

    form, path = split_name(name)
    if not path.exists():
        return name
    place = plain_text(str(path.absolute()))
    return f"{form}:{place}" if form else place
