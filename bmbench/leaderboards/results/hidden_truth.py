"""Hidden ground truth: encrypted in the repository, committed to with a salt, revealed in the end.

The commitment is SHA-256(salt ‖ truth). It is public from the start, so nobody can change the truth after
scores were seen; the salt (32 random bytes) keeps the truth from being guessed from it.
"""

import hashlib
import os
import secrets
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from bmbench.core.errors import BadInputError, MissingExtraError
from bmbench.core.files import read_bytes, write_bytes
from bmbench.leaderboards.tracks.create_track import write_manifest
from bmbench.leaderboards.tracks.leaderboard_folder import Leaderboard
from bmbench.leaderboards.tracks.manifest import Manifest

SALT_BYTES = 32
_HIDDEN_FILE = "truth.json.age"
_PUBLIC_FILE = "truth.json"
SALT_FILE = "truth.salt"


@contextmanager
def opened(board: Leaderboard, manifest: Manifest, key: Path | None) -> Iterator[Path]:
    """The path of a track's truth in the clear, while the block runs.

    A hidden one is decrypted into a folder of its own that only this user can read; set TMPDIR to a
    memory file system to keep it off the disk.

    Raises
    ------
    BadInputError
        If the key is missing or wrong, or the truth is not the one that was committed to.
    """
    clear = revealed(board, manifest)
    if clear is not None:
        yield clear
        return
    path = board.truth(manifest)
    if key is None:
        remedy = "give --key with the age identity"
        raise BadInputError("the ground truth is hidden", where=manifest.name, remedy=remedy)
    salted = decrypt(path, key)
    if hashlib.sha256(salted).hexdigest() != manifest.truth.commitment:
        raise BadInputError("is not the truth that the track committed to", where=str(path))
    with tempfile.TemporaryDirectory() as folder:
        clear = Path(folder) / _PUBLIC_FILE
        descriptor = os.open(clear, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(salted[SALT_BYTES:])
        yield clear


def hide(board: Leaderboard, track: str, recipients: Sequence[str]) -> Manifest:
    """The manifest of a track whose public truth is now hidden: encrypted to age recipients, committed to.

    Raises
    ------
    BadInputError
        If it is hidden already, or a recipient is no age public key.
    """
    pyrage = _pyrage()
    manifest = board.manifest(track)
    if manifest.truth.visibility == "hidden":
        raise BadInputError("the ground truth is hidden already", where=track)
    clear = board.truth(manifest)
    salted = secrets.token_bytes(SALT_BYTES) + read_bytes(clear)
    try:
        keys = [pyrage.x25519.Recipient.from_str(text) for text in recipients]
    except Exception:  # noqa: BLE001  pyrage has an error type a version
        raise BadInputError(
            "not an age public key", expected="age1…", remedy="make one: age-keygen"
        ) from None
    commitment = hashlib.sha256(salted).hexdigest()
    facts = msgspec.structs.replace(
        manifest.truth, visibility="hidden", file=_HIDDEN_FILE, sha256=None, commitment=commitment
    )
    folder = clear.parent
    write_bytes(folder / _HIDDEN_FILE, pyrage.encrypt(salted, keys))
    hidden = msgspec.structs.replace(manifest, truth=facts)
    write_manifest(folder, hidden)
    clear.unlink()
    return hidden


def reveal(board: Leaderboard, track: str, key: Path) -> Manifest:
    """The manifest of a retired track: truth and salt lie open beside it, and it takes no submissions."""
    manifest = board.manifest(track)
    salted = decrypt(board.truth(manifest), key)
    if hashlib.sha256(salted).hexdigest() != manifest.truth.commitment:
        raise BadInputError("is not the truth that the track committed to", where=track)
    folder = board.path / "tracks" / track
    salt, clear = salted[:SALT_BYTES], salted[SALT_BYTES:]
    write_bytes(folder / _PUBLIC_FILE, clear)
    write_bytes(folder / SALT_FILE, salt.hex().encode() + b"\n")
    retired = msgspec.structs.replace(manifest, retired=True)
    write_manifest(folder, retired)
    return retired


def revealed(board: Leaderboard, manifest: Manifest) -> Path | None:
    """The truth in the clear, if it is public or was revealed and is the one that was committed to.

    Raises
    ------
    BadInputError
        If what was revealed is not what was committed to.
    """
    if manifest.truth.visibility == "public":
        return board.truth(manifest)
    folder = board.path / "tracks" / manifest.name
    clear, salt = folder / _PUBLIC_FILE, folder / SALT_FILE
    if not (clear.is_file() and salt.is_file()):
        return None
    try:
        salted = bytes.fromhex(read_bytes(salt).decode("ascii").strip()) + read_bytes(clear)
    except ValueError:
        raise BadInputError("is not a salt in hexadecimal digits", where=str(salt)) from None
    if hashlib.sha256(salted).hexdigest() != manifest.truth.commitment:
        raise BadInputError("is not the truth that the track committed to", where=str(clear))
    return clear


def decrypt(path: Path, key: Path) -> bytes:
    """The bytes of an age file; BadInputError if the identity does not open it."""
    pyrage = _pyrage()
    text = read_bytes(key).decode("ascii", "replace")
    lines = [line.strip() for line in text.splitlines() if line.startswith("AGE-SECRET-KEY-")]
    try:
        identities = [pyrage.x25519.Identity.from_str(line) for line in lines]
        data: bytes = pyrage.decrypt(read_bytes(path), identities)
    except Exception:  # noqa: BLE001  pyrage has an error type a version
        raise BadInputError("the key does not open the ground truth", where=str(path)) from None
    return data


def _pyrage() -> Any:
    try:
        import pyrage
    except ImportError:
        raise MissingExtraError("pyrage, which hidden ground truth needs,", extra="leaderboard") from None
    return pyrage
