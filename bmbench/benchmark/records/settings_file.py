"""The file that a search leaves: the settings of a method, whole."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bmbench.core.errors import BadInputError
from bmbench.core.files import read_json

if TYPE_CHECKING:
    from collections.abc import Container, Mapping
    from pathlib import Path

    from bmbench.benchmark.records.options import RunOptions

SCHEMA = "bmbench.settings/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsFile:
    """A method, the profile that its other choices come from, and each setting as ``--set`` takes it."""

    method: str
    profile: str
    settings: Mapping[str, str]


def read_settings(path: Path) -> SettingsFile:
    """The settings in a file.

    Raises
    ------
    BadInputError
        If the file is not there, or is something else.
    """
    record = read_json(path)
    known = isinstance(record, dict) and record.get("schema") == SCHEMA
    settings = record.get("settings") if known else None
    if not isinstance(settings, dict) or not all(
        isinstance(value, str | int | float) for value in settings.values()
    ):
        raise BadInputError(
            "not a settings file", where=str(path), remedy="give the settings.json of `bmbench tune`"
        )
    return SettingsFile(
        method=str(record.get("method")),
        profile=str(record.get("profile")),
        settings={name: str(value) for name, value in settings.items()},
    )


def with_settings(options: RunOptions, path: Path, *, given: Container[str]) -> RunOptions:
    """The options with method, profile and settings of a file; those that were given hold.

    Raises
    ------
    BadInputError
        If the file is none, or of another method than the one that was given.
    """
    file = read_settings(path)
    if "method" in given and options.method != file.method:
        raise BadInputError(
            "settings of another method", where=str(path), expected=options.method, got=file.method
        )
    return dataclasses.replace(
        options,
        method=file.method,
        profile=options.profile if "profile" in given else file.profile,
        settings={**file.settings, **options.settings},
    )
