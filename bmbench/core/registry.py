"""A table of names whose entries are imported on use."""

import importlib
from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

from bmbench.core.errors import UnknownNameError

T = TypeVar("T")


class Registry(Generic[T]):
    """Names → ``"module:ATTRIBUTE"``, loaded when asked for.

    Parameters
    ----------
    kind : str
        What the entries are ("method", "data set"), for error texts.
    entries : iterable of (name, "module:ATTRIBUTE")
        The table. A name that stands in it twice is a ValueError: two entries would hide each other.
    """

    def __init__(self, kind: str, entries: Iterable[tuple[str, str]]) -> None:
        self.kind = kind
        self._places: dict[str, str] = {}
        for name, place in entries:
            if name in self._places:
                raise ValueError(f"{kind} {name!r} is registered twice: {self._places[name]} and {place}")
            self._places[name] = place

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
