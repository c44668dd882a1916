"""What a user must know before using a set, shown once.

That it was shown is noted in the folder of all sets, by the text itself: other terms are shown again. Where
nothing can be noted (a read-only home), they are shown every time.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from typing import TYPE_CHECKING

from bmbench.core.errors import BmbenchError
from bmbench.core.files import write_text
from bmbench.datasets import DATASETS
from bmbench.datasets.fetch.store import store, stored_folder

if TYPE_CHECKING:
    from pathlib import Path

    from bmbench.core.dataset import DatasetCard


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
    place = data or stored_folder(dataset)
    if not card.source or place is None or not place.exists() or _was_shown(card):
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
