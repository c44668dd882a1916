"""Getting a data set: from its server by pinned checksums, or from files that are on disk already."""

from dataclasses import dataclass
from pathlib import Path

from bmbench.core.dataset import Dataset, DatasetCard, LoadRequest
from bmbench.core.errors import BadInputError
from bmbench.core.files import sha256
from bmbench.core.gate import require_file
from bmbench.core.progress import Progress
from bmbench.datasets import DATASETS
from bmbench.datasets.fetch.download import download
from bmbench.datasets.fetch.manifest import compare, fetch_files, manifest
from bmbench.datasets.fetch.store import home_of, remember, store, stored_folder
from bmbench.datasets.fetch.unpack import unpack


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """Where the files lie (None for the embedded set, which needs none), and how sure it is what they are."""

    folder: Path | None
    notes: tuple[str, ...] = ()


def fetch(name: str, progress: Progress, *, source: Path | None = None, pin: str | None = None) -> Fetched:
    """The folder with the files of a set, after getting it.

    Parameters
    ----------
    source : Path, optional
        A folder with the files (it is used where it lies, and read once), or the archive of the set.
    pin : str, optional
        The SHA-256 that the archive must have, where the set's card knows none.

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
    return fetch_dataset(DATASETS.get(name), progress, source=source, pin=pin)


def fetch_dataset(
    dataset: Dataset, progress: Progress, *, source: Path | None = None, pin: str | None = None
) -> Fetched:
    """As `fetch`, for a data set that need not be in the table."""
    card = dataset.card
    if pin is not None and (source is None or source.is_dir()):
        raise BadInputError("a checksum is that of an archive", remedy="name the archive with --from")
    if not card.source:
        return Fetched(folder=None)
    if source is not None and source.is_dir():
        notes = _compared(card, source)
        dataset.load(LoadRequest(data=source))
        remember(card.name, source)
        return Fetched(folder=source, notes=notes)
    if source is not None:
        require_file(source)
        notes = _checked(source, card, pin)
        return Fetched(folder=_unpacked(source, card), notes=notes)
    there = stored_folder(card.name)
    if there is not None:
        return Fetched(folder=there, notes=("It was here already.",))
    return _downloaded(card, progress)


def _downloaded(card: DatasetCard, progress: Progress) -> Fetched:
    if card.manifest:
        pinned = manifest(card.manifest)
        fetch_files(pinned, home_of(card.name), progress)
        return Fetched(folder=home_of(card.name), notes=(f"{len(pinned)} files, each with its SHA-256.",))
    if card.download is None:
        raise BadInputError(
            f"{card.name} cannot be fetched by bmbench: no checksum of its files is known",
            remedy=f"{card.access} (source: {card.source}); "
            f"then: bmbench datasets fetch {card.name} --from FOLDER",
        )
    archive = store() / "archives" / card.download.url.rsplit("/", 1)[-1]
    download(card.download, archive, progress)
    return Fetched(folder=_unpacked(archive, card), notes=("Its SHA-256 is the pinned one.",))


def _compared(card: DatasetCard, folder: Path) -> tuple[str, ...]:
    """How sure it is that a folder holds the published files."""
    if not card.manifest:
        return ("unverified: no checksums of the published files are known; they were only read",)
    found = compare(manifest(card.manifest), folder)
    notes = [f"{found.same} files are as published (SHA-256)"]
    if found.missing:
        notes.append(f"{found.missing} published files are not here")
    if found.other:
        more = f" and {len(found.other) - 3} others" if len(found.other) > 3 else ""
        notes.append(f"warning: not as published: {', '.join(found.other[:3])}{more}")
    return tuple(notes)


def _checked(archive: Path, card: DatasetCard, pin: str | None) -> tuple[str, ...]:
    found = sha256(archive)
    expected = card.download.sha256 if card.download is not None else pin
    if expected is None:
        return (
            "unverified: no checksum of this archive is known, so nothing says that it is the published one",
            f"to pin it, hand on with it: --sha256 {found}",
        )
    if found != expected.lower():
        raise BadInputError(
            f"not the archive of {card.name}",
            where=str(archive),
            expected=f"SHA-256 {expected}",
            got=found,
            remedy="download it again",
        )
    return ("Its SHA-256 is the pinned one.",)


def _unpacked(archive: Path, card: DatasetCard) -> Path:
    home = home_of(card.name)
    if not home.is_dir():
        unpack(archive, home)
    inner = home / card.download.inner if card.download else home
    if inner != home:
        remember(card.name, inner)
    return inner
