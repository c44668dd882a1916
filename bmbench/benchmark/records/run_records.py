"""The records of a run as types, and which versions of them are read.

A record of a version that is not known yet is refused: what it means would be guessed. An older one is read
as long as this module says how.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Struct

from bmbench.adapters.images.appearance import Appearance
from bmbench.benchmark.protocol.tracks import Profile
from bmbench.core.errors import BadInputError
from bmbench.core.files import read_json
from bmbench.core.misfits import misfit_error
from bmbench.metrics.protocol import Protocol

RUN_SCHEMA = "bmbench.run/2"
"""1: without a manifest (`bmbench.benchmark.records.seal`); it is read, and not checked."""
SPLIT_SCHEMA = "bmbench.split/1"
TIMING_SCHEMA = "bmbench.timing/1"

Record = TypeVar("Record")
Seconds = Annotated[float, msgspec.Meta(ge=0)]


class RecordedTrack(Struct, frozen=True, kw_only=True):
    """The question that a run answers."""

    name: str
    version: int


class RecordedShapes(Struct, frozen=True, kw_only=True):
    """What a run learned from: how many outlines, circles, boxes and points, by the word for them."""

    shapes: dict[str, int] = msgspec.field(default_factory=dict)


class RecordedPlugin(Struct, frozen=True, kw_only=True):
    """The package of others that a method or a data set comes from; see `bmbench.core.plugins.Origin`."""

    place: str
    package: str | None = None
    version: str | None = None
    code_sha256: str | None = None


class RunConfig(Struct, frozen=True, kw_only=True):
    """What a run was asked for, resolved: its ``config.json``.

    Sizes that the run does not know, and those that older versions of bmbench did not write, are None.
    """

    schema: str
    method: str
    settings: dict[str, Any]
    dataset: str
    dataset_options: dict[str, str]
    data_hash: str
    images: dict[str, int]
    track: RecordedTrack
    profile: Profile
    artefacts: str
    seed: Annotated[int, msgspec.Meta(ge=0)]
    protocol: Protocol
    options: dict[str, Any]
    um_per_px: float | None = None
    mean_cell_px: float | None = None
    largest_cell_px: float | None = None
    white: Annotated[int, msgspec.Meta(ge=1, le=65535)] | None = None
    classes: list[dict[str, Any]] = msgspec.field(default_factory=list)
    test_on: list[dict[str, Any]] = msgspec.field(default_factory=list)
    learned: RecordedShapes = RecordedShapes()
    split_from: str | None = None
    leaks: list[str] = msgspec.field(default_factory=list)
    plugin: dict[str, RecordedPlugin] = msgspec.field(default_factory=dict)
    appearance: Appearance | None = None
    start: dict[str, str] = msgspec.field(default_factory=dict)

    @property
    def is_sealed(self) -> bool:
        """Whether the version that finished the run wrote a manifest."""
        return self.schema != "bmbench.run/1"


class RecordedCode(Struct, frozen=True, kw_only=True):
    """The commit that a result was made with."""

    commit: str
    dirty: bool


class Environment(Struct, frozen=True, kw_only=True):
    """What a result was made with: ``environment.json``."""

    bmbench: str
    python: str
    packages: dict[str, str]
    system: str
    machine: str = "unknown"
    cpus: int | None = None
    code: RecordedCode | None = None


class Timing(Struct, frozen=True, kw_only=True):
    """Seconds of work by stage, ``all`` among them: ``timing.json``.

    `memory_mb` is the most memory that its process held; None where the system does not tell it.
    """

    processes: Annotated[int, msgspec.Meta(ge=0)] = 0
    seconds: dict[str, Seconds] = msgspec.field(default_factory=dict)
    memory_mb: Seconds | None = None


def read_record(
    path: Path,
    kind: type[Record],
    *,
    schema: str = "",
    within: Path | None = None,
    what: str = "a run's record",
) -> Record:
    """The record in a JSON file.

    Parameters
    ----------
    schema : str
        Its name and newest version that is known (``bmbench.run/1``); empty for records that state none.
    within : Path, optional
        The folder that the file must lie in.

    Raises
    ------
    BadInputError
        If the file cannot be read, is of a newer version, or does not hold such a record; with the place.
    """
    value = read_json(path, within=within)
    if schema:
        require_schema(value, schema, where=path, what=what)
    return as_record(value, kind, where=path, what=what)


def as_record(value: Any, kind: type[Record], *, where: Path, what: str) -> Record:
    """A value of JSON as the record that it is to be; see `read_record`."""
    try:
        return msgspec.convert(value, kind)
    except (msgspec.ValidationError, UnicodeEncodeError) as error:
        remedy = "restore it, or make it anew"
        raise misfit_error(error, f"is not {what}", where=where, remedy=remedy) from None


def require_schema(value: Any, schema: str, *, where: Path, what: str) -> None:
    """Nothing, if a record states this schema, in this version or an older one; BadInputError otherwise."""
    name, _, newest = schema.partition("/")
    found = value.get("schema") if isinstance(value, Mapping) else None
    match = re.fullmatch(r"([a-z.]{1,40})/([0-9]{1,6})", found) if isinstance(found, str) else None
    if match is None or match[1] != name or not int(match[2]):
        raise BadInputError(
            f"is not {what}",
            where=str(where),
            expected=f"schema {schema}",
            got=repr(found)[:60] if isinstance(value, Mapping) else type(value).__name__,
            remedy="restore it, or make it anew",
        )
    if int(match[2]) > int(newest):
        raise BadInputError(
            f"was written by a newer bmbench (schema {found})",
            where=str(where),
            expected=f"{schema} or older",
            remedy="update bmbench",
        )
