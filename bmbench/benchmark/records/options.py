"""What a user asks for, resolved: names to records, text to typed settings."""

from __future__ import annotations

import dataclasses
import math
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from bmbench.adapters import METHODS
from bmbench.adapters.method import Method
from bmbench.benchmark.protocol.other_sets import OtherSet
from bmbench.benchmark.protocol.tracks import default_track
from bmbench.core.errors import BadInputError, UnknownNameError
from bmbench.core.gate import plain_text
from bmbench.core.misfits import misfit_error
from bmbench.core.plugins import is_place
from bmbench.datasets import absolute_dataset

_PATHS = ("data",)
"""Options that are paths; names of files in JSON."""
_HOW = ("out", "devices", "log")
"""Options that change where and how a run is made, not what comes out."""
_LISTS = ("classes", "test_on")
"""Options of several texts."""

_KINDS: Mapping[Any, str] = {int: "a whole number", float: "a number", bool: "true or false"}
"""What a value of a setting has to be, in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """The options of `bmbench run`, as they were given.

    `retrain` None leaves it to the profile whether the detector is fitted once more, on train and
    optimisation images, after the threshold was chosen; `models` None how many are fitted and averaged.
    `classes` are the classes of cells to tell apart (`bmbench.benchmark.protocol.classes`).
    `track` None is `drawn` for a user's own files and `weak` for a data set that bmbench knows by name.
    `log` names who else is told what the training does (`bmbench.benchmark.records.loggers`).
    `start` is a model, by name or folder, or a run, whose weights the training begins with.
    `devices` processes train together, one a graphics card; the result does not depend on their number.
    `allow_leaks` takes a split in which subsets share a group or a picture, which is else refused.
    `test_on` names other images that the trained detector is applied to (`benchmark.protocol.other_sets`).
    `annotated` is the share of the training images that is learned from, as `bmbench budget` asks it.
    """

    method: str = "unet_shrink"
    dataset: str = "synthetic"
    data: Path | None = None
    dataset_options: Mapping[str, str] = field(default_factory=dict)
    track: str | None = None
    profile: str = "quick"
    artefacts: str = "background"
    classes: tuple[str, ...] = ()
    jitter_px: float | None = None
    seed: int = 0
    settings: Mapping[str, str] = field(default_factory=dict)
    retrain: bool | None = None
    models: int | None = None
    test_on: tuple[str, ...] = ()
    allow_leaks: bool = False
    start: str | None = None
    annotated: float = 1.0
    devices: int = 1
    log: tuple[str, ...] = ()
    out: Path = Path("runs")

    def __post_init__(self) -> None:
        if self.jitter_px is not None and not 0 <= self.jitter_px < math.inf:
            raise BadInputError(f"--jitter-px {self.jitter_px}", expected="a finite number, 0 or more")
        if not 0 < self.annotated <= 1:
            raise BadInputError(f"annotated {self.annotated}", expected="a share above 0, at most 1")

    def settled(self) -> RunOptions:
        """The same options with absolute paths and a method's own name: the same from any folder."""
        data = None if self.data is None else Path(plain_text(str(self.data.expanduser().absolute())))
        start = self.start
        if start is not None and Path(start).expanduser().exists():
            start = plain_text(str(Path(start).expanduser().absolute()))
        test_on = tuple(str(OtherSet.parse(text).settled()) for text in self.test_on)
        return dataclasses.replace(
            self,
            method=own_name(self.method),
            dataset=absolute_dataset(self.dataset),
            data=data,
            track=self.chosen_track,
            test_on=test_on,
            start=start,
        )

    @property
    def chosen_track(self) -> str:
        """The track that was asked for, or the default of the data set."""
        from bmbench.datasets import DATASETS

        return self.track or default_track(published=self.dataset in DATASETS, jitter_px=self.jitter_px)

    def to_json(self) -> dict[str, Any]:
        """What `from_json` reads; without `out`, `devices` and `log`, which are no part of what is asked."""
        record = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        plain = {"start": None, "annotated": 1.0}
        for name in (*_HOW, *(name for name, value in plain.items() if record[name] == value)):
            del record[name]
        paths = {name: None if record[name] is None else str(record[name]) for name in _PATHS}
        mappings = {name: dict(value) for name, value in record.items() if isinstance(value, Mapping)}
        return record | paths | mappings | {name: list(record[name]) for name in _LISTS}

    @classmethod
    def from_json(cls, record: Any, *, where: str) -> RunOptions:
        """The options of `to_json`; BadInputError if these are none, damaged, or of a later version."""
        known = {field.name for field in dataclasses.fields(cls)}
        if not isinstance(record, dict) or not record.keys() <= known:
            raise BadInputError(
                "not the options of a run",
                where=where,
                got=", ".join(sorted(record.keys() - known)) if isinstance(record, dict) else "no object",
                remedy="resume it with the version of bmbench that began the run",
            )
        try:
            return msgspec.convert(record, cls, dec_hook=_path)
        except msgspec.ValidationError as error:
            remedy = "begin the run anew"
            raise misfit_error(error, "damaged options of a run", where=where, remedy=remedy) from error


def own_name(method: str) -> str:
    """The name of a method, also of one that is given by its place, ``package.module:METHOD``."""
    return METHODS.get(method).name if is_place(METHODS.parts(method)[0]) else method


def _path(kind: type, value: Any) -> Any:
    """A path from its text in JSON; no other type of an option is unknown to JSON."""
    if kind is not Path or not isinstance(value, str):
        raise TypeError(f"Expected `str`, got `{type(value).__name__}`")
    return Path(value)


def resolve_settings(
    method: Method, profile: str, changes: Mapping[str, str], *, fixed: Mapping[str, Any] | None = None
) -> Any:
    """The method's settings for a profile, with `--set name=value` changes applied.

    `fixed` are settings that hold whatever the profile says: a change to another value is refused.

    Raises
    ------
    UnknownNameError
        For a name that the method has no setting of.
    BadInputError
        For a value that is not of the setting's type, or out of its range; for a profile that it has not.
    """
    settings = settings_of(method, profile)
    kinds = typing.get_type_hints(type(settings))
    values = {name: _parse(name, text, kinds) for name, text in changes.items()}
    for name, value in (fixed or {}).items():
        if values.setdefault(name, value) != value:
            raise BadInputError(
                f"--set {name}={changes[name]}",
                expected=f"{value}, as in the model that --from names",
                remedy="leave it out, or train without --from",
            )
    try:
        return dataclasses.replace(settings, **values)
    except ValueError as error:
        raise BadInputError(f"--set: {error}") from None


def settings_of(method: Method, profile: str) -> Any:
    """The method's settings for a profile.

    Raises
    ------
    BadInputError
        If it has none for it: not every method has a recipe between `quick` and `paper`.
    """
    if profile not in method.settings:
        raise BadInputError(
            f"{method.name} has no settings for --profile {profile}",
            expected=", ".join(method.settings),
            remedy="choose another profile, or another method",
        )
    return method.settings[profile]


def setting_kinds(method: Method) -> Mapping[str, Any]:
    """The type of each of a method's settings, by its name."""
    return typing.get_type_hints(type(next(iter(method.settings.values()))))


def parse_pairs(texts: list[str], *, option: str) -> dict[str, str]:
    """``["a=1", "b=x"]`` as a mapping; BadInputError for a text without ``=``."""
    for text in texts:
        if "=" not in text:
            raise BadInputError(f"{option} {text!r} is not a pair", expected="name=value")
    return dict(text.split("=", 1) for text in texts)


def parse_list(text: str, *, option: str) -> tuple[str, ...]:
    """``"a,b"`` as a tuple; BadInputError if a part is empty or stands there twice."""
    parts = tuple(part.strip() for part in text.split(","))
    if not all(parts):
        raise BadInputError(f"{option} {text!r}", expected="names with commas between them")
    for part in parts:
        if parts.count(part) > 1:
            raise BadInputError(f"{option} {text!r}", expected="every name once", got=f"{part!r} twice")
    return parts


def _parse(name: str, text: str, kinds: Mapping[str, Any]) -> Any:
    if name not in kinds:
        raise UnknownNameError("setting", name, kinds)
    kind = kinds[name]
    try:
        value = msgspec.convert(text, kind, strict=False)
    except msgspec.ValidationError:
        choices = typing.get_args(kind)
        expected = f"one of {', '.join(map(str, choices))}" if choices else _KINDS.get(kind, kind.__name__)
        raise BadInputError(f"--set {name}={text}", expected=expected) from None
    if isinstance(value, float) and not math.isfinite(value):
        raise BadInputError(f"--set {name}={text}", expected="a finite number")
    return value
