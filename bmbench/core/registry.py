"""A table of names whose entries are imported on use: bmbench's own, and those of other packages.

Another package offers an entry by an entry point of the registry's group, in its pyproject.toml::

    [project.entry-points."bmbench.methods"]
    my_cells = "my_cells.method:METHOD"

Such entries are looked for when a name is asked for that bmbench itself does not have, or when all names are
listed: nothing of another package is imported before one of its entries is used, and one that cannot be
imported stops nobody but who asked for it.
"""

import importlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Generic, TypeVar

from bmbench.core.errors import UnknownNameError
from bmbench.core.plugins import Origin, PluginError, failed, is_place, load_place, offered, trusted, unnamed

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
    group : str
        The group of entry points by which other packages add to it; empty: they cannot.
    adopt : "module:FUNCTION"
        Called with an entry of another package, its name and its `Origin`: it gives the entry to use, or
        raises a PluginError that says what is wrong with it.
    by_place : bool
        Whether an entry may also be asked for by its place, ``package.module:NAME``, once the user has named
        that (`bmbench.core.plugins.trust`), and then by its own name too.
    stages : name → "module:FUNCTION"
        What may stand behind a + in a name: ``NAME+STAGE`` is what the function makes of the entry NAME.
    """

    kind: str
    entries: Sequence[tuple[str, str]]
    group: str = field(default="", kw_only=True)
    adopt: str = field(default="", kw_only=True)
    by_place: bool = field(default=False, kw_only=True)
    stages: Mapping[str, str] = field(default_factory=dict, kw_only=True, compare=False)
    _adopted: dict[str, tuple[T, Origin]] = field(default_factory=dict, init=False, repr=False, compare=False)

    @cached_property
    def _places(self) -> dict[str, str]:
        places: dict[str, str] = {}
        for name, place in self.entries:
            if name in places:
                raise ValueError(f"{self.kind} {name!r} is registered twice: {places[name]} and {place}")
            places[name] = place
        return places

    def names(self) -> tuple[str, ...]:
        """Every name: bmbench's own in the order of the table, then those of other packages."""
        return (*self.own_names(), *(name for name in self._offered if name not in self._places))

    def own_names(self) -> tuple[str, ...]:
        """The names in the table."""
        return tuple(self._places)

    def get(self, name: str) -> T:
        """The entry of that name; UnknownNameError (with the nearest name) if there is none.

        What goes wrong as an own entry is loaded keeps its traceback, with a note that names the line of the
        table; what goes wrong in another package is a PluginError that names the package.
        """
        base, stage = self.parts(name)
        if stage:
            module, _, function = self.stages[stage].partition(":")
            made: T = getattr(importlib.import_module(module), function)(self.get(base))
            return made
        if name not in self._places:
            return self._foreign(name)[0]
        place = self._places[name]
        module, _, attribute = place.partition(":")
        try:
            entry: T = getattr(importlib.import_module(module), attribute)
        except Exception as error:
            error.add_note(f"{self.kind} {name!r} is registered as {place}, which cannot be loaded")
            raise
        return entry

    def lend(self, name: str, entry: Any, *, place: str) -> None:
        """Make an entry known in this process alone, as one of the code at that place.

        Raises
        ------
        PluginError
            If it is none, or bmbench itself has one of that name.
        """
        if name in self._places:
            raise PluginError(f"bmbench itself has a {self.kind} {name!r}", remedy="give it another name")
        origin = Origin(place=place)
        self._adopted[name] = self._checked(entry, name, origin), origin

    def origin(self, name: str) -> Origin | None:
        """The package that an entry comes from, None if that is bmbench; the errors of `get`."""
        base, _ = self.parts(name)
        return None if base in self._places else self._foreign(base)[1]

    def parts(self, name: str) -> tuple[str, str]:
        """The name of an entry, and the stage behind it; "" where there is none."""
        base, _, stage = name.rpartition("+")
        return (base, stage) if base and stage in self.stages else (name, "")

    def loaded(self) -> tuple[dict[str, T], list[str]]:
        """Every entry that can be loaded, by name; one sentence for each of another package that cannot."""
        entries, problems = {name: self.get(name) for name in self._places}, []
        for name, origins in self._offered.items():
            if name in self._places:
                problems.append(f"the {self.kind} {name!r} of {origins[0].who} is hidden by bmbench's own")
                continue
            try:
                entries[name] = self.get(name)
            except PluginError as error:
                problems.append(str(error))
        return entries, problems

    def __contains__(self, name: object) -> bool:
        if name in self._places or not isinstance(name, str):
            return name in self._places
        base, stage = self.parts(name)
        if stage:
            return base in self
        return name in self._adopted or name in self._offered or self.named_place(name) is not None

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    @cached_property
    def _offered(self) -> dict[str, tuple[Origin, ...]]:
        """What other packages offer: more than one origin where two have the same name."""
        return offered(self.group) if self.group else {}

    def _foreign(self, name: str) -> tuple[T, Origin]:
        if name not in self._adopted:
            place = self.named_place(name)
            if place is not None:
                self._adopted[name] = self._at(place)
            elif self.by_place and is_place(name):
                raise unnamed(self.kind, name, self.group)
            elif name in self._offered:
                self._adopted[name] = self._of_package(name, self._offered[name])
            else:
                raise UnknownNameError(self.kind, name, self.names())
        return self._adopted[name]

    def named_place(self, name: str) -> str | None:
        """The place of that name, or that the entry of that name lies at, if the user has named it."""
        if not self.by_place:
            return None
        places = trusted(self.group)
        if name in places:
            return name
        for place in places:
            try:
                entry, _ = self._at(place)
            except PluginError:
                continue
            if getattr(entry, "name", None) == name:
                return place
        return None

    def _at(self, place: str) -> tuple[T, Origin]:
        if place not in self._adopted:
            entry = load_place(self.kind, place)
            origin = Origin.of_place(place)
            self._adopted[place] = self._checked(entry, place, origin), origin
        return self._adopted[place]

    def _of_package(self, name: str, origins: tuple[Origin, ...]) -> tuple[T, Origin]:
        if len(origins) > 1:
            both = " and ".join(one.who for one in origins)
            raise PluginError(f"the {self.kind} {name!r} is offered by {both}; uninstall one of them")
        entry = load_place(self.kind, name, origin=origins[0])
        return self._checked(entry, name, origins[0]), origins[0]

    def _checked(self, entry: Any, name: str, origin: Origin) -> T:
        if not self.adopt:
            own: T = entry
            return own
        module, _, function = self.adopt.partition(":")
        adopt: Callable[[Any, str, Origin], T] = getattr(importlib.import_module(module), function)
        try:
            return adopt(entry, name, origin)
        except PluginError:
            raise
        except Exception as error:
            raise failed(self.kind, name, origin, error) from error
