"""The one gate for files from outside: regular files below a size, inside the folder that was named.

A data set is a stranger's: the names in it may be ``/proc/self/environ`` or ``../../etc/passwd``, its files
links to either, or pipes and devices that never end. Every file that bmbench did not write itself is opened
here. Looking first and opening then would leave a moment in which the file can be exchanged, so the kind and
the size are those of what is open, and opening waits for nobody.

A file that the user names may lie anywhere. One that a file names, or that lies in a folder which was named,
is opened with `within`: after all links it must lie in that folder.
"""

import errno
import os
import stat
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path

from bmbench.core.errors import BadInputError, UnreadableError

LIMIT_BYTES = 8 << 30
"""Largest file that is read whole, unless the reader of its format knows a smaller limit."""
DEPTH_LIMIT = 64
"""Folders inside each other, from the one that was named."""
NAME_LIMIT_BYTES = 255
"""Longest name of a file or folder on the usual file systems."""
STORES = (".zarr",)
"""Endings of folders that are one image: listed like files where asked for, and never looked into."""
_OF_THE_NAME = {errno.ENAMETOOLONG, errno.ELOOP, errno.ENOTDIR, errno.ENXIO, errno.EINVAL, errno.EILSEQ}
"""What the system says of a name that leads to no file; all else is its own trouble."""
_FLAGS = os.O_RDONLY | sum(
    getattr(os, name, 0) for name in ("O_NONBLOCK", "O_NOCTTY", "O_CLOEXEC", "O_BINARY", "O_NOINHERIT")
)
_KINDS = (
    (stat.S_ISDIR, "is a folder"),
    (stat.S_ISFIFO, "is a named pipe"),
    (stat.S_ISSOCK, "is a socket"),
    (stat.S_ISCHR, "is a device"),
    (stat.S_ISBLK, "is a device"),
)


def open_file(path: Path, *, within: Path | None = None, limit: int | None = LIMIT_BYTES) -> BufferedReader:
    """A regular file from outside, open for reading.

    Parameters
    ----------
    within : Path, optional
        The folder that it must lie in after all links; None for a file that the user named.
    limit : int, optional
        Most bytes; None for a file of which only parts are read.

    Raises
    ------
    BadInputError
        If there is none of that name, or it is a folder, pipe, socket or device, lies elsewhere, is larger,
        or cannot be read.
    """
    try:
        # Before it is opened: opening some devices is an act in itself.
        root = _inside(path, within) if within is not None else ""
        handle = os.open(path, _FLAGS)
    except FileNotFoundError:
        raise BadInputError("file not found", where=_shown(path), remedy="check the path") from None
    except OSError as error:
        kind = BadInputError if error.errno in _OF_THE_NAME else UnreadableError
        raise kind(f"cannot be read ({error.strerror})", where=_shown(path)) from None
    except ValueError as error:
        # A name from a damaged file: no file system has one with a null byte.
        raise BadInputError("no name of a file", where=_shown(path), got=str(error)) from None
    try:
        facts = os.fstat(handle)
        _check(path, facts, limit)
        if within is not None:
            _check_place(path, handle, facts, within=within, root=root)
    except BaseException:
        os.close(handle)
        raise
    return os.fdopen(handle, "rb")


def read_bytes(path: Path, *, within: Path | None = None, limit: int = LIMIT_BYTES) -> bytes:
    """The bytes of a file from outside; see `open_file`."""
    with open_file(path, within=within, limit=limit) as file:
        try:
            return file.read()
        except OSError as error:
            raise UnreadableError(f"cannot be read ({error.strerror})", where=_shown(path)) from None


def require_file(path: Path, *, within: Path | None = None) -> None:
    """Nothing, if `open_file` opens it: for libraries that insist on opening a file by its name."""
    open_file(path, within=within, limit=None).close()


def require_inside(path: Path, within: Path) -> None:
    """Nothing, if a path leads into the folder after all links; BadInputError otherwise."""
    try:
        _inside(path, within)
    except ValueError as error:
        raise BadInputError("no name of a file", where=_shown(path), got=str(error)) from None


def copy_file(source: Path, target: Path, *, within: Path | None = None) -> None:
    """Copy the bytes of a file from outside; see `open_file`."""
    import shutil

    with open_file(source, within=within, limit=None) as file, target.open("wb") as copy:
        shutil.copyfileobj(file, copy, 1 << 20)


def is_there(path: Path) -> bool:
    """Whether something is there; False for a name that no file can have (`Path.exists` raises for some)."""
    try:
        return path.exists()
    except OSError:
        return False


def is_file(path: Path) -> bool:
    """Whether a regular file is there; False for a name that no file can have."""
    try:
        return path.is_file()
    except OSError:
        return False


def files_in(
    folder: Path, *, within: Path, suffixes: tuple[str, ...] = ("",), deep: bool = False
) -> list[Path]:
    """The files of these endings in a folder (`deep`: and in those below it, but for links), by name.

    Hidden ones, whose names begin with a dot, are passed over, as by every program that lists a folder:
    halves that a killed command left, the shadows of files that macOS writes. Pipes and devices are not:
    opening one is an error to tell. Folders of `STORES` are among them if their ending is asked for.

    Raises
    ------
    BadInputError
        If the folder or a link in it leads out of `within`, or folders nest deeper than `DEPTH_LIMIT`.
    """
    root = _inside(folder, within)
    found: list[Path] = []
    stores = tuple(ending for ending in STORES if ending in suffixes)
    for here, entry in _below(folder) if deep else ((folder, entry) for entry in _entries(folder)):
        name = entry.name.lower()
        if not name.endswith(suffixes) or (entry.is_dir() and not name.endswith(stores)):
            continue
        path = here / entry.name
        if entry.is_symlink():
            if not is_there(path):
                continue
            _inside(path, within, root)
        found.append(path)
    return sorted(found)


def folders_named(name: str, folder: Path) -> list[Path]:
    """The folders of that name anywhere in a folder, links to folders left out.

    Raises
    ------
    BadInputError
        If folders nest deeper than `DEPTH_LIMIT`.
    """
    named = (here / entry.name for here, entry in _below(folder) if entry.name == name)
    return sorted(path for path in named if path.is_dir() and not path.is_symlink())


def plain_text(name: str, *, where: str = "") -> str:
    """`name`, if it is text; BadInputError for halves of characters, which JSON can hold."""
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise BadInputError(
            "a name that is no text", where=where, got=ascii(name[:80]), remedy="rename it"
        ) from error
    return name


def plain_name(name: str) -> str:
    """`name`, if files can have it; BadInputError if it is no text, too long or too deep."""
    parts = plain_text(name).encode().replace(b"\\", b"/").split(b"/")
    if len(parts) > DEPTH_LIMIT:
        raise BadInputError(f"a name of more than {DEPTH_LIMIT} folders", where=f"{name[:60]}…")
    longest = max(map(len, parts))
    if longest > NAME_LIMIT_BYTES:
        raise BadInputError(
            "a name too long for a file",
            where=f"{name[:60]}…",
            expected=f"at most {NAME_LIMIT_BYTES} bytes",
            got=str(longest),
            remedy="rename the image",
        )
    return name


def _inside(path: Path, within: Path, root: str = "") -> str:
    """The real place of `within`; BadInputError if that of `path` is not in it."""
    root = root or os.path.realpath(within)
    place = os.path.realpath(path)
    if not _is_in(place, root):
        raise _leads_out(path, place, within)
    return root


def _is_in(place: str, root: str) -> bool:
    return place == root or place.startswith(root if root.endswith(os.sep) else root + os.sep)


def _check_place(path: Path, handle: int, facts: os.stat_result, *, within: Path, root: str) -> None:
    """Nothing, if what is open lies in the folder: a link may have been turned since it was looked at."""
    try:
        place = str(Path(f"/proc/self/fd/{handle}").readlink())
        same = True
    except OSError:
        place = os.path.realpath(path)
        same = os.path.samestat(Path(place).stat(), facts)
    if same and _is_in(place, root):
        return
    raise _leads_out(path, place, within)


def _check(path: Path, facts: os.stat_result, limit: int | None) -> None:
    if not stat.S_ISREG(facts.st_mode):
        what = next((text for is_kind, text in _KINDS if is_kind(facts.st_mode)), "is no regular file")
        remedy = "name a file in it" if stat.S_ISDIR(facts.st_mode) else "save it as a file, and name that"
        raise BadInputError(what, where=_shown(path), expected="a file", remedy=remedy)
    if limit is not None and facts.st_size > limit:
        raise BadInputError(
            "file too large",
            where=_shown(path),
            expected=f"at most {limit:,} bytes",
            got=f"{facts.st_size:,}",
            remedy="split it into several",
        )


def _below(folder: Path) -> Iterator[tuple[Path, os.DirEntry[str]]]:
    """Each entry of a folder and of those below it that is not hidden, with the folder that it lies in."""
    folders = [(folder, 0)]
    while folders:
        here, depth = folders.pop()
        if depth > DEPTH_LIMIT:
            raise BadInputError(f"folders nested deeper than {DEPTH_LIMIT}", where=_shown(folder))
        for entry in _entries(here):
            if entry.is_dir(follow_symlinks=False) and not entry.name.lower().endswith(STORES):
                folders.append((here / entry.name, depth + 1))
            yield here, entry


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            yield from (entry for entry in entries if not entry.name.startswith("."))
    except OSError as error:
        raise BadInputError(f"cannot be read ({error.strerror})", where=_shown(folder)) from None


def _leads_out(path: Path, place: str, within: Path) -> BadInputError:
    return BadInputError(
        "leads out of the folder that was named",
        where=_shown(path),
        expected=f"a file inside {_shown(within)}",
        got=_shown(Path(place)),
        remedy="copy it there, or name the folder that holds it with --data",
    )


def _shown(path: Path) -> str:
    """A path as an error may print it: whole where it is short, and text whatever is in it."""
    text = str(path)
    if not text.isprintable() or not text.isascii():
        text = text if text.isprintable() else ascii(text)[1:-1]
    return text if len(text) <= 500 else f"{text[:240]}…{text[-240:]}"
