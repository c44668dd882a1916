"""Entries of registries that other packages bring: where they come from, and how they are imported.

A package that is installed says by an entry point what it offers; whoever installed it trusts it. A place
``package.module:NAME`` is imported only where the user has named it, on the command line or in Python: the
record of a run from elsewhere may name any module, and importing it would run it.
"""

from __future__ import annotations

import importlib
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bmbench.core.errors import BadInputError
from bmbench.core.gate import files_in, open_file

TRUSTED = "BMBENCH_PLUGINS"
"""The variable of the environment that holds ``GROUP=package.module:NAME`` of what the user has named, with
spaces between: the processes that a command starts know it too."""
_PLACE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*")


class PluginError(BadInputError):
    """An entry of another package is broken; its text names the package."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where an entry comes from that is not bmbench's own.

    Attributes
    ----------
    place : str
        ``package.module:NAME``.
    package, version : str or None
        The installed package, None where the module belongs to none.
    """

    place: str
    package: str | None = None
    version: str | None = None

    @classmethod
    def of_place(cls, place: str) -> Origin:
        """The origin of a place; its package is that which holds the module."""
        from importlib import metadata

        top = _top(place)
        owners = metadata.packages_distributions().get(top, [])
        package = owners[0] if owners else None
        return cls(place=place, package=package, version=metadata.version(package) if package else None)

    @property
    def who(self) -> str:
        """The package with its version, or the module of a place that belongs to none."""
        return f"{self.package} {self.version}" if self.package else self.place.partition(":")[0]

    def facts(self) -> dict[str, Any]:
        """What a run keeps of it: also the digest of the package's code, where that can be read."""
        return {
            "package": self.package,
            "version": self.version,
            "place": self.place,
            "code_sha256": _code_digest(self.place),
        }


def is_place(name: str) -> bool:
    """Whether a name is ``package.module:NAME``."""
    return _PLACE.fullmatch(name) is not None


def trust(group: str, name: str) -> str:
    """The name; if it is a place, it may be imported from now on, here and in processes started from here."""
    if is_place(name) and name not in trusted(group):
        os.environ[TRUSTED] = f"{os.environ.get(TRUSTED, '')} {group}={name}".strip()
    return name


def trusted(group: str) -> tuple[str, ...]:
    """The places that the user has named in a group."""
    said = (entry.partition("=") for entry in os.environ.get(TRUSTED, "").split())
    return tuple(dict.fromkeys(place for own, _, place in said if own == group and is_place(place)))


def offered(group: str) -> dict[str, tuple[Origin, ...]]:
    """What the installed packages offer in a group of entry points, by name; nothing of it is imported."""
    from importlib import metadata

    found: dict[str, tuple[Origin, ...]] = {}
    for point in metadata.entry_points(group=group):
        package, version = (point.dist.name, point.dist.version) if point.dist else (None, None)
        origin = Origin(place=point.value.replace(" ", ""), package=package, version=version)
        # The same package twice on the path of modules is one.
        if origin not in found.get(point.name, ()):
            found[point.name] = (*found.get(point.name, ()), origin)
    return {name: tuple(sorted(found[name], key=lambda one: one.who)) for name in sorted(found)}


def load_place(kind: str, name: str, *, origin: Origin | None = None) -> Any:
    """What stands at a place, imported.

    Raises
    ------
    PluginError
        If it cannot be imported, whatever it raises.
    """
    place = name if origin is None else origin.place
    module, _, attribute = place.partition(":")
    try:
        try:
            found = importlib.import_module(module)
        except ModuleNotFoundError as error:
            # A script of pip's does not look into the folder where it is called; `python -m` does.
            if origin is not None or error.name != module.partition(".")[0] or str(Path.cwd()) in sys.path:
                raise
            sys.path.append(str(Path.cwd()))
            importlib.invalidate_caches()
            found = importlib.import_module(module)
        return getattr(found, attribute)
    except (Exception, SystemExit) as error:
        raise failed(kind, name, origin or Origin(place=place), error) from error


def unnamed(kind: str, place: str, group: str) -> PluginError:
    """What is said of a place that stands in a record, and that the user has not named."""
    return PluginError(
        f"the {kind} {place!r} is code that you have not named",
        remedy=f"if you trust it, set {TRUSTED}='{group}={place}', or install it as a plug-in",
    )


def failed(kind: str, name: str, origin: Origin, error: BaseException) -> PluginError:
    """What is said of an entry that cannot be loaded."""
    of = f" of {origin.who}" if origin.package else ""
    absent = (
        isinstance(error, ModuleNotFoundError)
        and not origin.package
        and f"{origin.place.partition(':')[0]}.".startswith(f"{error.name}.")
    )
    remedy = "package.module:NAME is looked for in this folder and among what is installed" if absent else ""
    why = first_line(error, origin.place)
    return PluginError(f"the {kind} {name!r}{of} cannot be loaded ({why})", remedy=remedy)


def first_line(error: BaseException, place: str = "") -> str:
    """The kind of an error, the first line of its text, and the line of the package of `place` it is from."""
    lines = str(error).strip().splitlines()
    text = f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
    where, trace = "", error.__traceback__
    while place and trace is not None:
        frame = trace.tb_frame
        if str(frame.f_globals.get("__name__")).partition(".")[0] == _top(place):
            where = f", {Path(frame.f_code.co_filename).name} line {trace.tb_lineno}"
        trace = trace.tb_next
    return text + where


def _top(place: str) -> str:
    return re.split(r"[.:]", place)[0]


def _code_digest(place: str) -> str | None:
    """SHA-256 over the Python files of the package, or of the module, that a place lies in."""
    import hashlib

    top = importlib.import_module(_top(place))
    file = getattr(top, "__file__", None)
    if file is None:
        return None
    home, digest = Path(file).parent, hashlib.sha256()
    files = [Path(file)]
    if hasattr(top, "__path__"):
        files = files_in(home, within=home, suffixes=(".py",), deep=True)
    for path in files:
        digest.update(f"{path.relative_to(home).as_posix()}\n".encode())
        with open_file(path, within=home) as code:
            digest.update(code.read())
    return digest.hexdigest()
