"""Settings from a file: those that a search found for one method, or those that many methods share.

::

    {"schema": "bmbench.settings/1", "method": …, "profile": …, "settings": {…}}
    {"schema": "bmbench.settings/2", "settings": {…}, "methods": {"NAME": {…}, …}}

The first is what `bmbench tune` leaves. In the second `settings` are for every method that has them, and
`methods` has those of single ones, which come after them. Some of the second kind come with bmbench and are
called by their names (`NAMED`).
"""

import dataclasses
from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from importlib.resources import as_file, files
from pathlib import Path

import msgspec

from bmbench.adapters import METHODS
from bmbench.benchmark.records.options import RunOptions, own_name, setting_kinds
from bmbench.benchmark.records.run_records import read_record
from bmbench.core.errors import BadInputError, UnknownNameError

NAMED = ("study",)
"""study: the wording of Graebel et al. 2021 where the defaults are not it."""
SEARCHED, SHARED = "bmbench.settings/1", "bmbench.settings/2"
_WHAT = "a file of settings"


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsFile:
    """Settings as ``--set`` takes them.

    Attributes
    ----------
    settings : name → text
        For `method`, or for every method that has them.
    method, profile : str or None
        Whose they are, and the profile that its other choices come from; None: those of many methods.
    methods : method → name → text
        What holds for single methods beside.
    """

    settings: Mapping[str, str]
    method: str | None = None
    profile: str | None = None
    methods: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def of(self, method: str, *, having: Container[str]) -> dict[str, str]:
        """The settings of one method; `having` are the names of those that it has."""
        if self.method is not None:
            return dict(self.settings) if method == self.method else {}
        shared = {name: text for name, text in self.settings.items() if name in having}
        return shared | dict(self.methods.get(method, {}))


_Values = dict[str, bool | int | float | str]


class _Searched(msgspec.Struct, frozen=True, kw_only=True):
    method: str
    profile: str
    settings: _Values


class _Shared(msgspec.Struct, frozen=True, kw_only=True):
    settings: _Values = {}
    methods: dict[str, _Values] = {}


class _AnyKind(msgspec.Struct, frozen=True):
    schema: str = ""


def read_settings(path: Path) -> SettingsFile:
    """The settings in a file, or those of a name in `NAMED` where there is no such file.

    Raises
    ------
    BadInputError
        If the file is not there, or is something else.
    """
    if not path.is_file() and str(path) in NAMED:
        named = files("bmbench.benchmark.records").joinpath("named_settings", f"{path}.json")
        with as_file(named) as copy:
            return _read(copy)
    if not path.exists():
        expected = f"a file of settings, or one of {', '.join(NAMED)}"
        raise BadInputError("no such settings", where=str(path), expected=expected)
    return _read(path)


def with_settings(options: RunOptions, path: Path, *, given: Container[str]) -> RunOptions:
    """The options with method, profile and settings of a file; those that were given hold.

    Raises
    ------
    BadInputError
        If the file is none, of another method than the one that was given, or has nothing for it.
    """
    file = read_settings(path)
    if file.method is not None and "method" in given and own_name(options.method) != file.method:
        raise BadInputError(
            "settings of another method", where=str(path), expected=options.method, got=file.method
        )
    method = options.method if file.method is None or "method" in given else file.method
    profile = options.profile if file.profile is None or "profile" in given else file.profile
    own = METHODS.get(method)
    settings = file.of(own.name, having=setting_kinds(own))
    if not settings:
        raise BadInputError(f"no setting in it is one of {method}", where=str(path))
    return dataclasses.replace(
        options, method=method, profile=profile, settings={**settings, **options.settings}
    )


def _read(path: Path) -> SettingsFile:
    if read_record(path, _AnyKind, what=_WHAT).schema == SHARED:
        shared = read_record(path, _Shared, schema=SHARED, what=_WHAT)
        _require_known(shared)
        return SettingsFile(
            settings=_texts(shared.settings),
            methods={name: _texts(values) for name, values in shared.methods.items()},
        )
    found = read_record(path, _Searched, schema=SEARCHED, what=_WHAT)
    return SettingsFile(
        method=found.method,
        profile=found.profile,
        settings=_texts(found.settings),
    )


def _require_known(shared: _Shared) -> None:
    """Nothing, or an UnknownNameError for a setting that no method has: it would never be missed."""
    named = {name: setting_kinds(METHODS.get(name)) for name in (*METHODS.own_names(), *shared.methods)}
    every = {setting for kinds in named.values() for setting in kinds}
    asked = [(name, every) for name in shared.settings]
    asked += [(name, set(named[method])) for method, values in shared.methods.items() for name in values]
    for name, known in asked:
        if name not in known:
            raise UnknownNameError("setting", name, known)


def _texts(values: _Values) -> dict[str, str]:
    return {name: str(value) for name, value in values.items()}
