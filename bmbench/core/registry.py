"""A table of names whose entries are imported on use."""

import importlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Generic, TypeVar

from bmbench.core.errors import UnknownNameError

T = TypeVar("T")


@dataclass(frozen=True)
class Registry(Generic[T]):
    """Names → ``"module:ATTRIBUTE"``, loaded when asked for.

    Attributes
    ----------
    kind : str
        What the entries are ("method", "data set"), for error texts.
    entries : (name, "module:ATTRIBUTE") of each
        The table. A name that stands in it twice is a ValueError, whatever is asked for first: two entries
        would hide each other.
    """

    kind: str
    entries: Sequence[tuple[str, str]]

    @cached_property
    def _places(self) -> dict[str, str]:
        places: dict[str, str] = {}
        for name, place in self.entries:
            if name in places:
                raise ValueError(f"{self.kind} {name!r} is registered twice: {places[name]} and {place}")
            places[name] = place
        return places

    def names(self) -> tuple[str, ...]:
        """Every name, in the order of the table."""
        return tuple(self._places)

    def get(self, name: str) -> T:
        """The entry of that name; UnknownNameError (with the nearest name) if there is none.

        What goes wrong as it is loaded keeps its traceback, with a note that names the line of the table.
        """
        if name not in self._places:
            raise UnknownNameError(self.kind, name, self._places)
        place = self._places[name]
        module, _, attribute = place.partition(":")
        try:
            entry: T = getattr(importlib.import_module(module), attribute)
        except Exception as error:
            error.add_note(f"{self.kind} {name!r} is registered as {place}, which cannot be loaded")
            raise
        return entry

    def __contains__(self, name: object) -> bool:
        return name in self._places

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)
