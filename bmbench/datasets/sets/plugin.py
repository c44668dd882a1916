"""Data sets of other packages: looked over when they are loaded."""

import dataclasses
from typing import Any

from bmbench.core.dataset import SUBSETS, Dataset, LoadRequest, Split
from bmbench.core.errors import BadInputError, BmbenchError
from bmbench.core.plugins import Origin, PluginError, first_line


def adopt_dataset(entry: Any, name: str, origin: Origin) -> Dataset:
    """The data set of another package as bmbench uses it: what its `load` raises is one sentence.

    Raises
    ------
    PluginError
        If it is none, or has another name than the one that it is offered under.
    """
    said = f"the data set {name!r} of {origin.who}"
    if not isinstance(entry, Dataset):
        got = type(entry).__name__
        raise PluginError(f"{said} is no Dataset", got=got, remedy="make one as bmbench.core.dataset says")
    if entry.card.name != name:
        raise PluginError(f"{said} calls itself {entry.card.name!r}", remedy="give both one name")

    def load(request: LoadRequest) -> Split:
        try:
            split: Any = entry.load(request)
        except BmbenchError:
            raise
        except Exception as error:
            raise BadInputError(f"{said} cannot be read ({first_line(error)})") from error
        if not isinstance(split, Split) or set(split.samples) != set(SUBSETS):
            raise BadInputError(f"{said} gives no Split with the subsets {', '.join(SUBSETS)}")
        return split

    return dataclasses.replace(entry, load=load)
