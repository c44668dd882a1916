"""Getting a data set: from its server by a pinned checksum, or from files that are on disk already."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bmbench.core.errors import BadInputError
from bmbench.core.files import sha256
from bmbench.datasets import DATASETS
from bmbench.datasets.dataset import Dataset, LoadRequest
from bmbench.datasets.download import download
from bmbench.datasets.store import home_of, remember, store, stored_folder
from bmbench.datasets.unpack import unpack

if TYPE_CHECKING:
    from pathlib import Path

    from bmbench.core.progress import Progress
    from bmbench.datasets.dataset import DatasetCard


def fetch(name: str, progress: Progress, *, source: Path | None = None) -> Path | None:
    """The folder with the files of a set, after getting it; None for the embedded one, which needs none.

    Parameters
    ----------
    source : Path, optional
        A folder with the files (it is used where it lies, and read once), or the archive of the set.

    Raises
    ------
    UnknownNameError
        If there is no such set.
    BadInputError
        If the set cannot be fetched, because no checksum of its files is known; or if what was named or
        sent is not the set.
    RunFailedError
        If the download broke off.
    """
    return fetch_dataset(DATASETS.get(name), progress, source=source)


def fetch_dataset(dataset: Dataset, progress: Progress, *, source: Path | None = None) -> Path | None:
    """As `fetch`, for a data set that need not be in the table."""
    card = dataset.card
    if not card.source:
        return None
    if source is not None and source.is_dir():
        dataset.load(LoadRequest(data=source))
        remember(card.name, source)
        return source
    if source is not None:
        if not source.is_file():
            raise BadInputError("not found", where=str(source), remedy="check the path")
        _check(source, card)
        return _unpacked(source, card)
    there = stored_folder(card.name)
    if there is not None:
        return there
    if card.download is None:
        raise BadInputError(
            f"{card.name} cannot be fetched by bmbench: no checksum of its files is known",
            remedy=f"{card.access} (source: {card.source}); "
            f"then: bmbench datasets fetch {card.name} --from FOLDER",
        )
    archive = store() / "archives" / card.download.url.rsplit("/", 1)[-1]
    download(card.download, archive, progress)
    return _unpacked(archive, card)


def terms(card: DatasetCard) -> tuple[tuple[str, str], ...]:
    """What a user must know before using a set: name and text of each line."""
    return (("licence", card.licence), ("please cite", card.citation), ("source", card.source or "embedded"))


def _check(archive: Path, card: DatasetCard) -> None:
    if card.download is None:
        raise BadInputError(
            f"no checksum of the archive of {card.name} is known",
            where=str(archive),
            remedy="unpack it and name the folder",
        )
    found = sha256(archive)
    if found != card.download.sha256:
        raise BadInputError(
            f"not the archive of {card.name}",
            where=str(archive),
            expected=f"SHA-256 {card.download.sha256}",
            got=found,
            remedy="download it again",
        )


def _unpacked(archive: Path, card: DatasetCard) -> Path:
    home = home_of(card.name)
    if not home.is_dir():
        unpack(archive, home)
    inner = home / card.download.inner if card.download else home
    if inner != home:
        remember(card.name, inner)
    return inner
