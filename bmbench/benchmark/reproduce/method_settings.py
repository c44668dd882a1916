"""What is changed of the settings of a study's methods, by files and by ``--set``."""

import typing
from collections.abc import Mapping, Sequence
from typing import Any

from bmbench.adapters.method import Method
from bmbench.benchmark.records.options import resolve_settings, settings_of
from bmbench.benchmark.records.settings_files import read_settings
from bmbench.benchmark.reproduce.options import ReproduceOptions
from bmbench.core.errors import BadInputError, UnknownNameError


def changed_settings(
    options: ReproduceOptions, methods: Sequence[Method]
) -> dict[str, tuple[tuple[str, str], ...]]:
    """The changed settings of each method, those of files first.

    Raises
    ------
    BadInputError
        If one is unknown, has a bad value, or goes to a method that is not run.
    """
    changes = _from_files(options, methods)
    for text in options.settings:
        left, equals, value = text.partition("=")
        only, _, name = left.rpartition(":")
        if not equals:
            raise BadInputError(f"--set {text!r} is not a pair", expected="name=value or method:name=value")
        if only and only not in changes:
            raise UnknownNameError("method of this matrix", only, changes)
        having = [m.name for m in methods if only in ("", m.name) and name in _names(m, options.profile)]
        if not having:
            known = {name for m in methods if only in ("", m.name) for name in _names(m, options.profile)}
            raise UnknownNameError("setting", name, known)
        for method_name in having:
            changes[method_name][name] = value
    for method in methods:
        resolve_settings(method, options.profile, changes[method.name])
    return {name: tuple(sorted(wanted.items())) for name, wanted in changes.items()}


def _from_files(options: ReproduceOptions, methods: Sequence[Method]) -> dict[str, dict[str, str]]:
    """What files say of the settings of each method, where it is not what its profile has."""
    changes: dict[str, dict[str, str]] = {method.name: {} for method in methods}
    for path in options.settings_files:
        file = read_settings(path)
        for got, wanted, what in (
            (file.method, changes, "methods"),
            (file.profile, (options.profile,), "profile"),
        ):
            if got is not None and got not in wanted:
                raise BadInputError(
                    f"settings of another {what.removesuffix('s')}",
                    where=str(path),
                    expected=", ".join(wanted),
                    got=got,
                    remedy=f"choose --{what}",
                )
        for method in methods:
            found = file.of(method.name, having=_names(method, options.profile))
            new = resolve_settings(method, options.profile, found)
            plain = settings_of(method, options.profile)
            changes[method.name] |= {
                name: text for name, text in found.items() if getattr(new, name) != getattr(plain, name)
            }
    return changes


def _names(method: Method, profile: str) -> Mapping[str, Any]:
    return typing.get_type_hints(type(settings_of(method, profile)))
