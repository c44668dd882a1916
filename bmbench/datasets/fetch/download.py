"""One file from a server: continued where it broke off, and used only if its checksum is right."""

import http.client
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from bmbench.core.dataset import Download
from bmbench.core.errors import BadInputError, RunFailedError
from bmbench.core.files import make_folder, name_file, sha256
from bmbench.core.progress import Progress

ATTEMPTS = 5
"""Attempts in a row that bring nothing new before giving up."""
TIMEOUT_S = 30.0
_CHUNK = 1 << 18


def download(what: Download, target: Path, progress: Progress) -> None:
    """Bring a file to `target`; what an earlier attempt left in ``TARGET.part`` is not asked for again.

    Raises
    ------
    RunFailedError
        If the server does not answer, or breaks off again and again: the part is kept, try again later. If
        there can be no folder for the file.
    BadInputError
        If the file has another checksum or is longer than stated; it is removed then.
    """
    if not what.url.startswith(("https://", "http://")):
        raise BadInputError("not an address of the web", where=what.url)
    if target.is_file() and sha256(target) == what.sha256:
        return
    make_folder(target.parent)
    part = target.with_name(f"{target.name}.part")
    idle = 0
    while _size(part) < what.size:
        before = _size(part)
        reason = _continue(what, part, progress)
        idle = 0 if _size(part) > before else idle + 1
        if idle >= ATTEMPTS:
            raise RunFailedError(f"{what.url}: the download broke off ({reason}); run the command again")
    if _size(part) > what.size or sha256(part) != what.sha256:
        part.unlink()
        raise BadInputError(
            "the file on the server is not the one that bmbench knows",
            where=what.url,
            expected=f"SHA-256 {what.sha256[:16]}…, {what.size:,} bytes",
            remedy="it was removed; report it",
        )
    name_file(part, target)


def _continue(what: Download, part: Path, progress: Progress) -> str:
    """Ask for what is missing; why it ended."""
    start = _size(part)
    request = urllib.request.Request(what.url, headers={"Range": f"bytes={start}-"} if start else {})
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
            # A server that knows no ranges sends the whole file again.
            resumed = answer.status == http.client.PARTIAL_CONTENT and _starts_at(answer, start)
            with part.open("ab" if resumed else "wb") as file:
                _copy(answer, file, what, progress)
    except urllib.error.HTTPError as error:
        if error.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE:
            part.unlink(missing_ok=True)
        return f"the server answers {error.code} {error.reason}"
    except (OSError, http.client.HTTPException) as error:
        return str(error) or type(error).__name__
    return "the connection was closed"


def _copy(answer: Any, file: Any, what: Download, progress: Progress) -> None:
    while chunk := answer.read(_CHUNK):
        file.write(chunk)
        done = file.tell()
        progress.note(f"{done / 1e6:.1f} of {what.size / 1e6:.1f} MB")
        if done > what.size:
            break


def _starts_at(answer: Any, start: int) -> bool:
    return str(answer.headers.get("Content-Range", "")).startswith(f"bytes {start}-")


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0
