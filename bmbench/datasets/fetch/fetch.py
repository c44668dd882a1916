"""Getting a data set: from its server by pinned checksums, or from files that are on disk already."""

from dataclasses import dataclass
from pathlib import Path

from bmbench.core.dataset import Dataset, DatasetCard, LoadRequest
from bmbench.core.errors import BadInputError, BmbenchError
from bmbench.core.files import sha256
from bmbench.core.gate import require_file
from bmbench.core.progress import Progress
from bmbench.datasets import DATASETS
from bmbench.datasets.fetch.download import download
from bmbench.datasets.fetch.manifest import compare, fetch_files, manifest
from bmbench.datasets.fetch.store import fetching, home_of, neighbours, remember, store, stored_folder
from bmbench.datasets.fetch.unpack import unpacking


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
        A folder with the files (it is used where it lies), or the archive of the set. The set's own reader
        has to read it before it takes the place of anything.
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
    if source is None:
        there = stored_folder(card.name)
        if there is not None:
            _require_set(dataset, there)
            return Fetched(folder=there, notes=("It was here already.",))
    with fetching(card.name):
        if source is None:
            return _downloaded(dataset, progress)
        if source.is_dir():
            notes = _compared(card, source)
            _open(dataset, source)
            _require_no_loss(card, source)
            remember(card.name, source)
            return Fetched(folder=source, notes=notes)
        require_file(source)
        notes = _checked(source, card, pin)
        return Fetched(folder=_unpacked(source, dataset), notes=notes)


def _open(dataset: Dataset, folder: Path) -> None:
    """Nothing, if the set's own reader reads the folder, and an image of each subset."""
    for samples in dataset.load(LoadRequest(data=folder)).samples.values():
        for sample in samples[:1]:
            sample.load()


def _opens(dataset: Dataset, folder: Path) -> bool:
    try:
        _open(dataset, folder)
    except BmbenchError:
        return False
    return True


def _require_set(dataset: Dataset, folder: Path) -> None:
    """Nothing, if what lies in the store is the set: older versions of bmbench did not look."""
    try:
        _open(dataset, folder)
    except BadInputError as error:
        name = dataset.card.name
        raise BadInputError(
            f"what lies here is not {name}",
            where=str(folder),
            got=str(error),
            remedy=f"delete it, or replace it with: bmbench datasets fetch {name} --from FOLDER",
        ) from None


def _require_no_loss(card: DatasetCard, new: Path) -> None:
    """Nothing, if every other set that shares the place, and is there, is in the new folder as well."""
    there = stored_folder(card.name)
    for name in neighbours(card.name):
        other = DATASETS.get(name)
        if there is not None and _opens(other, there) and not _opens(other, new):
            raise BadInputError(
                f"holds no {name}, whose files lie in the same folder as those of {card.name}",
                where=str(new),
                got=f"both in {there}",
                remedy=f"name it with --data instead, or delete {there} before",
            )


def _downloaded(dataset: Dataset, progress: Progress) -> Fetched:
    card = dataset.card
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
    return Fetched(folder=_unpacked(archive, dataset), notes=("Its SHA-256 is the pinned one.",))


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


def _unpacked(archive: Path, dataset: Dataset) -> Path:
    """The folder of the set in the store, unpacked and opened before it takes the place of what was there."""
    card, home = dataset.card, home_of(dataset.card.name)
    with unpacking(archive, home) as aside:
        inner = _root(dataset, aside, archive)
        _require_no_loss(card, inner)
        inside = inner.relative_to(aside)
    remember(card.name, home / inside)
    return home / inside


def _root(dataset: Dataset, unpacked: Path, archive: Path) -> Path:
    """Where in an unpacked archive the set lies: where its card says, at the top, or in the only folder.

    Raises
    ------
    BadInputError
        If the set's reader finds it in none of them.
    """
    card = dataset.card
    place, reasons = unpacked / card.download.inner if card.download else unpacked, []
    while True:
        try:
            _open(dataset, place)
        except BadInputError as error:
            reasons.append(str(error).replace(str(unpacked), str(archive)))
        else:
            return place
        inside = [path for path in place.iterdir() if path.name != "__MACOSX"] if place.is_dir() else []
        if len(inside) != 1 or not inside[0].is_dir():
            raise BadInputError(
                f"not the archive of {card.name}",
                where=str(archive),
                got=reasons[-1],
                remedy="download it again, or unpack it and name the folder",
            )
        place = inside[0]
