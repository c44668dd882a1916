"""The file of a suite: which data sets, folds, methods, seeds and profile; nothing of a machine.

::

    schema = "bmbench.suite/1"
    name = "marrow"
    title = "…"
    methods = ["blob_log", "unet_shrink"]    # of every set that names none
    baselines = ["blob_log"]                 # shown in every table
    profile = "quick"

    [lite]                                   # for `--lite`, a first look
    methods = ["blob_log"]
    sets = ["marrow_1"]

    [[sets]]
    name = "kainz_mbm"
    dataset = "kainz_mbm"                    # a name that bmbench knows; without it the folder is read
    folder = "kainz_bm"                      # under --data-root, or given by --data kainz_mbm=FOLDER
    fold_by = "test_patients"                # the option of the data set that chooses the test images
    folds = ["0001", "0002"]                 # one run each; none: the maker's split

    [[sets.also]]                            # further rows of the matrix: other methods, tracks, modes
    methods = ["unet_shrink"]
    tracks = ["precise"]
"""

from __future__ import annotations

import difflib
import re
import tomllib
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from bmbench.core.errors import BadInputError, UnknownNameError
from bmbench.core.gate import is_file, plain_name, read_bytes
from bmbench.core.misfits import misfit

SCHEMA = "bmbench.suite/1"
_LIMIT_BYTES = 1 << 20
Name = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
Seed = Annotated[int, Meta(ge=0)]


class StatedHumanLine(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What people reach on the test images of a set, and how that was measured."""

    f1: Annotated[float, Meta(gt=0, le=1)]
    what: str


class Rows(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Some rows of the matrix of a set; what is left out is as in the set itself.

    `tracks` say what is learned from, `artefacts` how artefacts are trained, `settings` are as of ``--set``.
    """

    methods: tuple[str, ...] = ()
    tracks: tuple[str, ...] = ()
    artefacts: tuple[str, ...] = ()
    seeds: tuple[Seed, ...] = ()
    settings: tuple[str, ...] = ()


class SuiteSet(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One data set of a suite.

    Attributes
    ----------
    dataset : str
        A name that bmbench knows; empty: the set is whatever lies in the folder.
    folder : str
        Where its files lie under the data root; empty for an embedded set.
    drawn : bool
        Whether the images are drawn by a generator: such sets are compared with the others, not pooled.
    fold_by, folds :
        The option that chooses the test images, and its values, one run each; every image is tested once.
    classes : tuple of str
        Classes of cells that methods learn to tell apart, or ``("all",)``; empty: a cell is a cell.
    settings_files : tuple of str
        Files of settings, or names of such (``study``), as of ``--settings``; `settings` come after them.
    models : tuple of str
        Models (`bmbench models`) that are applied as they are, as rows of one seed without training.
    familiar : str
        What the names of those groups of test images hold that look like training images; empty: not known.
    also : tuple of Rows
        Further rows beside those of `methods` × `tracks` × `artefacts` × `seeds`.
    """

    name: Name
    title: str = ""
    dataset: str = ""
    folder: str = ""
    drawn: bool = False
    options: dict[str, str] = {}
    fold_by: str = ""
    folds: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    tracks: tuple[str, ...] = ("weak",)
    artefacts: tuple[str, ...] = ("background",)
    classes: tuple[str, ...] = ()
    seeds: tuple[Seed, ...] = (0,)
    settings: tuple[str, ...] = ()
    settings_files: tuple[str, ...] = ()
    profile: str = ""
    search: Annotated[int, Meta(ge=0)] = 0
    human: StatedHumanLine | None = None
    models: tuple[Name, ...] = ()
    familiar: str = ""
    also: tuple[Rows, ...] = ()


class Lite(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `--lite` leaves: these methods and sets, one seed, no further rows."""

    methods: tuple[str, ...] = ()
    sets: tuple[str, ...] = ()


class Suite(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A list of data sets with their folds, and what is run on them."""

    schema: Literal["bmbench.suite/1"]
    name: Name
    title: str = ""
    methods: tuple[str, ...] = ()
    baselines: tuple[str, ...] = ("blob_log",)
    profile: str = "quick"
    lite: Lite = Lite()
    sets: Annotated[tuple[SuiteSet, ...], Meta(min_length=1)]

    def without(self, *, only: tuple[str, ...], lite: bool) -> Suite:
        """The suite with these sets alone (all, where none is named); with `lite`, what that leaves of them.

        Raises
        ------
        UnknownNameError
            If there is no set of such a name.
        """
        names = [one.name for one in self.sets]
        for name in only:
            if name not in names:
                raise UnknownNameError("set of this suite", name, names)
        wanted = only or (self.lite.sets if lite else ()) or tuple(names)
        sets = tuple(one for one in self.sets if one.name in wanted)
        if lite:
            sets = tuple(_lite(one, self.lite.methods or self.baselines) for one in sets)
        return msgspec.structs.replace(self, sets=sets)


def read_suite(path: Path) -> Suite:
    """The suite of a file; a bare name is that of a suite which comes with bmbench, if there is no such file.

    Raises
    ------
    BadInputError
        If it cannot be read, is no TOML, or says what no suite can mean; the place in the file is named.
    UnknownNameError
        For a bare name of no suite and no file.
    """
    if path.name == str(path) and not path.suffix and not is_file(path):
        path = _by_name(path.name)
    try:
        found = tomllib.loads(read_bytes(path, limit=_LIMIT_BYTES).decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        fault = str(error)[:1].lower() + str(error)[1:]
        remedy = "correct that line; strings stand in quotes, lists in brackets"
        raise BadInputError(f"not a TOML file: {fault}", where=str(path), remedy=remedy) from None
    try:
        suite = msgspec.convert(found, Suite)
    except msgspec.ValidationError as error:
        raise _refusal(error, path) from None
    _check(suite, path)
    return suite


def _refusal(error: msgspec.ValidationError, path: Path) -> BadInputError:
    """The error for TOML that is no suite: the key, what it wants as TOML writes it, and the remedy."""
    fault, place = misfit(error, toml=True)
    key = re.sub(r"\[\d+\]", "", place)
    kind = _TABLES.get(key)
    remedy = "docs/suite.md says what a suite holds"
    if kind == "list" and "expected a list" in fault:
        fault = fault.replace("a list", f"[[{key}]], a list of tables")
        remedy = f"write [[{key}]] before each of them"
    elif kind == "table" and "expected a table" in fault:
        fault = fault.replace("a table", f"[{key}]", 1)
        remedy = f"write [{key}], once, and its keys below it"
    elif fault.startswith("unknown key"):
        near = difflib.get_close_matches(fault.split("'")[1], _KEYS, n=1)
        remedy = f"did you mean {near[0]!r}?" if near else f"take it out; {remedy}"
    elif "expected a list" in fault:
        remedy = f"write {key.rpartition('.')[2]} = […], in brackets, with commas between"
    elif key == "schema" or fault.startswith("'schema'"):
        remedy = 'write schema = "bmbench.suite/1" in the first line'
    elif " of the form " in fault:
        fault = "expected a name of letters, digits, '_', '-' and '.' that begins with a letter or digit"
    return BadInputError(
        f"not a suite: {fault}", where=f"{path}, {place}" if place else str(path), remedy=remedy
    )


_TABLES = {
    "sets": "list",
    "sets.also": "list",
    "lite": "table",
    "sets.options": "table",
    "sets.human": "table",
}
"""How the keys that hold tables are written."""
_KEYS = tuple(
    field.encode_name for record in (Suite, SuiteSet, Rows, Lite) for field in msgspec.structs.fields(record)
)


def _by_name(name: str) -> Path:
    known = {path.stem: path for path in (Path(__file__).parent / "known").glob("*.toml")}
    if name not in known:
        raise UnknownNameError("suite", name, known)
    return known[name]


def _check(suite: Suite, path: Path) -> None:
    names = [one.name for one in suite.sets]
    for one in suite.sets:
        where = f"{path}, set {one.name}"
        if names.count(one.name) > 1 or not plain_name(one.name):
            raise BadInputError("the name of a set", where=where, expected="each once, and a plain name")
        if bool(one.folds) != bool(one.fold_by):
            raise BadInputError("folds", where=where, expected="fold_by and folds, or neither")
        if not one.dataset and not one.folder:
            raise BadInputError("a set without data", where=where, expected="dataset, folder, or both")
        if not one.methods and not suite.methods:
            raise BadInputError(
                "a set without methods", where=where, remedy="name them for the suite or the set"
            )
    for name in suite.lite.sets:
        if name not in names:
            raise UnknownNameError("set of this suite", name, names)


def _lite(one: SuiteSet, methods: tuple[str, ...]) -> SuiteSet:
    return msgspec.structs.replace(one, methods=methods, seeds=one.seeds[:1], also=(), search=0, models=())
