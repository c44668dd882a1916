"""What a user may say about a data set on the command line, checked."""

import math
from collections.abc import Sequence
from pathlib import Path

from bmbench.core.dataset import DatasetCard, LoadRequest
from bmbench.core.errors import BadInputError, UnknownNameError
from bmbench.core.numerals import numeral
from bmbench.datasets.fetch.store import stored_folder


def known_options(request: LoadRequest, names: Sequence[str]) -> None:
    """Nothing, if the request holds no option beside `names`; UnknownNameError otherwise."""
    for name in request.options:
        if name not in names:
            if not names:
                raise BadInputError(f"unknown data set option {name!r}", remedy="this data set has none")
            raise UnknownNameError("data set option", name, names)


def data_folder(request: LoadRequest, dataset: str, *parts: str) -> Path:
    """The folder that the request names, else the fetched one, with all `parts` (sub-folders) in it.

    Raises
    ------
    BadInputError
        If there is none, or a part is missing.
    """
    folder = request.data or stored_folder(dataset)
    if folder is None:
        raise BadInputError(
            f"the data set {dataset} needs its files",
            remedy=f"name their folder with --data, or see bmbench datasets fetch {dataset}",
        )
    for path in (folder, *(folder / part for part in parts)):
        if not path.is_dir():
            raise BadInputError(
                "folder not found", where=str(path), remedy=f"name the folder of {dataset} with --data"
            )
    return folder


def no_image(folder: Path, name: str, card: DatasetCard) -> BadInputError:
    """The error for a folder of a published set in which no image of such a name lies."""
    remedy = f"name the folder of {card.name} with --data, or fetch it: bmbench datasets fetch {card.name}"
    return BadInputError("no image", where=str(folder), expected=name, remedy=remedy)


def source_place(request: LoadRequest, card: DatasetCard) -> Path:
    """The file or folder that the request names, else the fetched folder of the set.

    Raises
    ------
    BadInputError
        If there is none.
    """
    place = request.data or stored_folder(card.name)
    if place is None:
        raise BadInputError(f"the data set {card.name} needs its files", remedy=card.access)
    if not place.exists():
        raise BadInputError("not found", where=str(place), remedy="check the path")
    return place


def positive(request: LoadRequest, name: str, default: float) -> float:
    """The option as a number above 0, or the default."""
    text = request.options.get(name)
    if text is None:
        return default
    try:
        value = float(numeral(text))
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value > 0):
        raise BadInputError(f"data set option {name}", expected="a number above 0", got=repr(text))
    return value


def choice(request: LoadRequest, name: str, default: str, choices: Sequence[str]) -> str:
    """The option as one of `choices`, or the default; UnknownNameError otherwise."""
    value = request.options.get(name, default)
    if value not in choices:
        raise UnknownNameError(name, value, choices)
    return value
