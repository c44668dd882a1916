"""Where fetched data sets lie: the folder that BMBENCH_DATA names, else ``~/.cache/bmbench/datasets``.

A set is a folder of its own name there, or, where its files already lie elsewhere, a small file
``NAME.json`` that says where.
"""

from __future__ import annotations

import os
from pathlib import Path

from bmbench.core.files import read_json, write_json

VARIABLE = "BMBENCH_DATA"
_SHARED = {"kainz_mbm": "kainz"}
"""Data sets that are other annotations in the folder of another one."""


def store() -> Path:
    """The folder of all fetched sets."""
    named = os.environ.get(VARIABLE)
    if named:
        return Path(named)
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "bmbench" / "datasets"


def home_of(dataset: str) -> Path:
    """The folder that a set is fetched into."""
    return store() / _SHARED.get(dataset, dataset)


def stored_folder(dataset: str) -> Path | None:
    """The folder of a fetched set, or that of its files elsewhere; None if neither is there."""
    home = home_of(dataset)
    note = home.with_suffix(".json")
    if note.is_file():
        value = read_json(note)
        folder = Path(str(value.get("folder", ""))) if isinstance(value, dict) else Path()
        if folder.is_dir() and folder != Path():
            return folder
    return home if home.is_dir() else None


def remember(dataset: str, folder: Path) -> None:
    """Note that the files of a set lie in `folder`."""
    write_json(home_of(dataset).with_suffix(".json"), {"folder": str(folder.resolve())})
