"""Where fetched data sets lie: the folder that BMBENCH_DATA names, else ``~/.cache/bmbench/datasets``.

A set is a folder of its own name there, or, where its files already lie elsewhere, a small file
``NAME.json`` that says where. Who fetches a set holds ``locks/NAME``.

What a user must know before using a set is shown once. That it was shown is noted in the folder of all sets,
by the text itself: other terms are shown again. Where nothing can be noted (a read-only home), they are shown
every time.
"""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from bmbench.core.asides import sweep
from bmbench.core.dataset import DatasetCard
from bmbench.core.errors import BmbenchError
from bmbench.core.files import make_folder, read_json, write_json, write_text
from bmbench.core.locks import only_one
from bmbench.datasets import DATASETS

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


def neighbours(dataset: str) -> tuple[str, ...]:
    """The other data sets whose files lie in the same folder."""
    home = _SHARED.get(dataset, dataset)
    return tuple(name for name in DATASETS if name != dataset and _SHARED.get(name, name) == home)


@contextmanager
def fetching(dataset: str) -> Iterator[None]:
    """Hold the place of a set in the store, in which nothing is left of fetches that were killed.

    Raises
    ------
    BadInputError
        If another process fetches it.
    """
    with only_one(_lock(home_of(dataset))):
        sweep(store())
        yield


def _lock(home: Path) -> Path:
    folder = home.parent / "locks" / home.name
    make_folder(folder)
    return folder


def remember(dataset: str, folder: Path) -> None:
    """Note that the files of a set lie in `folder`."""
    write_json(home_of(dataset).with_suffix(".json"), {"folder": str(folder.resolve())})


def terms(card: DatasetCard) -> tuple[tuple[str, str], ...]:
    """Name and text of each line that a user must know."""
    return (("licence", card.licence), ("please cite", card.citation), ("source", card.source or "embedded"))


def terms_at_first_use(dataset: str, data: Path | None = None) -> tuple[str, ...]:
    """The lines to show before the first use of a set; () for the embedded one, a user's own, or later on.

    Without its files, in `data` or fetched, there is no use.
    """
    if dataset not in DATASETS:
        return ()
    card = DATASETS.get(dataset).card
    if not card.source:
        return ()
    place = data or stored_folder(dataset)
    if place is None or not place.exists() or _was_shown(card):
        return ()
    note_shown(card)
    return (f"{card.title} ({card.name})", *(f"  {name}: {text}" for name, text in terms(card)))


def note_shown(card: DatasetCard) -> None:
    """Note that the terms of a set were shown; nothing where that cannot be written."""
    with suppress(BmbenchError, OSError):
        write_text(_note(card), _digest(card))


def _was_shown(card: DatasetCard) -> bool:
    with suppress(OSError, UnicodeDecodeError):
        return _note(card).read_text("utf-8") == _digest(card)
    return False


def _note(card: DatasetCard) -> Path:
    return store() / "terms-shown" / f"{card.name}.txt"


def _digest(card: DatasetCard) -> str:
    return hashlib.sha256(repr(terms(card)).encode()).hexdigest() + "\n"
