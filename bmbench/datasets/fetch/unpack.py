"""Archives from outside, unpacked without harm: nothing outside the folder, no links, no flood of bytes."""

import errno
import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

from bmbench.core.errors import BadInputError
from bmbench.core.files import writing_folder
from bmbench.core.gate import open_file

LIMIT_BYTES = 64 << 30
LIMIT_FILES = 500_000
_CHUNK = 1 << 20
_DAMAGED = (
    zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, RuntimeError, LookupError,
    NotImplementedError, OSError, ValueError,
)  # fmt: skip
_BAD_NAME = {errno.ENAMETOOLONG, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.EILSEQ, errno.EINVAL}
"""What a disk says to a name that it cannot have, or that is to be a file and a folder."""


@contextmanager
def unpacking(archive: Path, folder: Path, *, limit_bytes: int = LIMIT_BYTES) -> Iterator[Path]:
    """Yield what a zip or tar archive holds; it takes the place of `folder` if the block ends well.

    Raises
    ------
    BadInputError
        If a name leads out of the folder, an entry is a link or a device, the archive unpacks to more than
        `limit_bytes`, is encrypted, damaged, or no archive.
    RunFailedError
        If the disk refuses (full, read-only, no permission).
    """
    with writing_folder(folder, replace=True) as aside:
        _unpack(archive, aside, limit_bytes)
        yield aside


def _unpack(archive: Path, folder: Path, limit_bytes: int) -> None:
    left = limit_bytes
    for number, (name, file) in enumerate(_entries(archive)):
        if number >= LIMIT_FILES:
            raise BadInputError(f"more than {LIMIT_FILES:,} files", where=str(archive))
        with _new_file(folder, name, archive) as out:
            # What the archive says about its sizes may be a lie: the bytes themselves are counted.
            while chunk := _read(file, min(_CHUNK, left + 1), archive):
                left -= len(chunk)
                if left < 0:
                    raise BadInputError(f"unpacks to more than {limit_bytes:,} bytes", where=str(archive))
                out.write(chunk)


def _entries(archive: Path) -> Iterator[tuple[str, IO[bytes]]]:
    """The files of an archive, each open until the next one is asked for."""
    with open_file(archive, limit=None) as source, _reading(archive):
        if zipfile.is_zipfile(source):
            with zipfile.ZipFile(source) as packed:
                for entry in packed.infolist():
                    kind = stat.S_IFMT(entry.external_attr >> 16)
                    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                        raise BadInputError(
                            "holds a link or device", where=f"{archive}, {entry.filename[:80]}"
                        )
                    if not entry.is_dir():
                        with packed.open(entry) as file:
                            yield entry.filename, file
            return
        source.seek(0)
        with tarfile.open(fileobj=source) as packed:
            for member in packed:
                if not (member.isfile() or member.isdir()):
                    raise BadInputError("holds a link or device", where=f"{archive}, {member.name[:80]}")
                content = packed.extractfile(member) if member.isfile() else None
                if content is not None:
                    yield member.name, content


def _read(file: IO[bytes], size: int, archive: Path) -> bytes:
    with _reading(archive):
        return file.read(size)


@contextmanager
def _reading(archive: Path) -> Iterator[None]:
    try:
        yield
    except _DAMAGED as error:
        # That no kind of archive fits is told in many lines, of which the first says so.
        got = str(error).partition("\n")[0].rstrip(":")
        raise BadInputError("not an archive, or a damaged one", where=str(archive), got=got) from None


def _new_file(folder: Path, name: str, archive: Path) -> IO[bytes]:
    target = folder / _inner(name, archive)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        return target.open("wb")
    except (OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno not in _BAD_NAME:
            raise
        where = f"{archive}, {name[:80]!r}"
        raise BadInputError("a name that no file can have", where=where) from None


def _inner(name: str, archive: Path) -> PurePosixPath:
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or ":" in name or "\0" in name or not path.parts:
        raise BadInputError("a name leads out of the folder", where=f"{archive}, {name[:80]!r}")
    return path
