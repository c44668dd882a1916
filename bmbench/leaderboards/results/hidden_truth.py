"""Hidden ground truth: encrypted in the repository, committed to with a salt, opened when the track retires.

The commitment is SHA-256(salt ‖ truth). It is public from the start, so nobody can change the truth after
scores were seen; the salt (32 random bytes) keeps the truth from being guessed from it. No other digest of
the truth stays in the track: that of its data is exchanged for one with the salt.
"""

import hashlib
import hmac
import os
import secrets
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from bmbench.core.errors import BadInputError, MissingExtraError
from bmbench.core.files import read_bytes, write_bytes
from bmbench.leaderboards.results.leakage_budget import noise_for
from bmbench.leaderboards.results.record import digest
from bmbench.leaderboards.tracks.create_track import write_manifest
from bmbench.leaderboards.tracks.leaderboard_folder import Leaderboard
from bmbench.leaderboards.tracks.manifest import Limits, Manifest, MetricName
from bmbench.leaderboards.tracks.raters import raters_of

SALT_BYTES = 32
_HIDDEN_FILE = "truth.json.age"
_PUBLIC_FILE = "truth.json"
SALT_FILE = "truth.salt"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenTruth:
    """A truth in the clear: its path, and its salt, which is empty where it was never hidden."""

    path: Path
    salt: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class HideWishes:
    """How a track is hidden.

    `recipients` are age public keys, each of which can open the truth; `metrics` what is published, by
    default the track's first one; `bits` what a submission may tell at most; `limits` those of the track
    from then on.
    """

    recipients: Sequence[str]
    metrics: Sequence[MetricName] = ()
    bits: float = 8.0
    limits: Limits | None = None


@contextmanager
def opened(board: Leaderboard, manifest: Manifest, key: Path | None) -> Iterator[OpenTruth]:
    """A track's truth in the clear, while the block runs.

    A hidden one is decrypted into a folder of its own that only this user can read; set TMPDIR to a
    memory file system to keep it off the disk.

    Raises
    ------
    BadInputError
        If the key is missing or wrong, or the truth is not the one that was committed to.
    """
    if manifest.truth.visibility == "public":
        yield OpenTruth(path=_public(board, manifest))
        return
    if key is None:
        remedy = "give --key with the age identity"
        raise BadInputError("the ground truth is hidden", where=manifest.name, remedy=remedy)
    salted = _salted(board, manifest, key)
    with tempfile.TemporaryDirectory() as folder:
        clear = Path(folder) / _PUBLIC_FILE
        descriptor = os.open(clear, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(salted[SALT_BYTES:])
        yield OpenTruth(path=clear, salt=salted[:SALT_BYTES])


def hide(board: Leaderboard, track: str, wishes: HideWishes) -> Manifest:
    """The manifest of a track whose public truth is now hidden: encrypted to age recipients, committed to.

    Raises
    ------
    BadInputError
        If it is hidden already or has submissions, a recipient is no age public key, the track does not
        have a metric, or the bits are too few.
    """
    manifest = board.manifest(track)
    if manifest.truth.visibility == "hidden":
        remedy = "give it to other keys with bmbench leaderboard rekey"
        raise BadInputError("the ground truth is hidden already", where=track, remedy=remedy)
    if raters_of(manifest):
        remedy = "make the track without --rater: their files would tell the truth"
        raise BadInputError("the track has raters, whose files are public", where=track, remedy=remedy)
    if manifest.retired or board.submissions(track):
        remedy = "make a new track; what was scored exactly cannot be taken back"
        raise BadInputError("the track was open already", where=track, remedy=remedy)
    hidden = _hidden(manifest, wishes)
    clear = board.truth(manifest)
    salted = secrets.token_bytes(SALT_BYTES) + read_bytes(clear)
    encrypted = _encrypted(salted, wishes.recipients)
    folder = clear.parent
    facts = msgspec.structs.replace(hidden.truth, commitment=digest(salted))
    data = msgspec.structs.replace(
        hidden.data, sha256=_salted_digest(salted[:SALT_BYTES], hidden.data.sha256)
    )
    hidden = msgspec.structs.replace(hidden, truth=facts, data=data)
    write_bytes(folder / _HIDDEN_FILE, encrypted)
    write_manifest(folder, hidden)
    clear.unlink()
    return hidden


def _hidden(manifest: Manifest, wishes: HideWishes) -> Manifest:
    """The track with what is published of it from now on; there is no commitment yet."""
    metrics = tuple(wishes.metrics) or manifest.metrics[:1]
    unknown = [name for name in metrics if name not in manifest.metrics]
    if unknown or len(set(metrics)) < len(metrics):
        expected = f"some of {', '.join(manifest.metrics)}, each once"
        raise BadInputError("are not metrics of the track", where="--metric", expected=expected)
    noise, step = noise_for(wishes.bits, len(metrics))
    truth = msgspec.structs.replace(
        manifest.truth, visibility="hidden", file=_HIDDEN_FILE, sha256=None, step=step, noise=noise
    )
    limits = manifest.limits if wishes.limits is None else wishes.limits
    return msgspec.structs.replace(manifest, metrics=metrics, truth=truth, limits=limits)


def _salted_digest(salt: bytes, sha256: str) -> str:
    """A digest that names the data set and cannot be compared with a guess."""
    return hmac.new(salt, f"data {sha256}".encode(), hashlib.sha256).hexdigest()


def rekey(board: Leaderboard, track: str, key: Path, recipients: Sequence[str]) -> Manifest:
    """Give a hidden truth to other keys; the truth and what was committed to stay the same.

    Whoever has the old key can still open what is in the history.

    Raises
    ------
    BadInputError
        If the track is not hidden, the old key does not open it, or a recipient is no age public key.
    """
    manifest = _require_hidden(board, track)
    write_bytes(board.truth(manifest), _encrypted(_salted(board, manifest, key), recipients))
    return manifest


def retire(board: Leaderboard, track: str, key: Path) -> Manifest:
    """The manifest of a track that ends: its truth and salt lie open, and it takes no submissions.

    From now on it is a public track: its numbers are exact, and everybody verifies them.

    Raises
    ------
    BadInputError
        If the track is not hidden, or the key does not open what it committed to.
    """
    manifest = _require_hidden(board, track)
    salted = _salted(board, manifest, key)
    folder = board.path / "tracks" / track
    salt, clear = salted[:SALT_BYTES], salted[SALT_BYTES:]
    write_bytes(folder / _PUBLIC_FILE, clear)
    write_bytes(folder / SALT_FILE, salt.hex().encode() + b"\n")
    facts = msgspec.structs.replace(
        manifest.truth, visibility="public", file=_PUBLIC_FILE, sha256=digest(clear)
    )
    retired = msgspec.structs.replace(manifest, truth=facts, retired=True)
    write_manifest(folder, retired)
    (folder / _HIDDEN_FILE).unlink()
    return retired


def _require_hidden(board: Leaderboard, track: str) -> Manifest:
    manifest = board.manifest(track)
    if manifest.truth.visibility != "hidden":
        raise BadInputError("the ground truth is not hidden", where=track)
    return manifest


def _salted(board: Leaderboard, manifest: Manifest, key: Path) -> bytes:
    """Salt and truth; BadInputError if they are not what the track committed to."""
    path = board.truth(manifest)
    salted = decrypt(path, key)
    if digest(salted) != manifest.truth.commitment:
        raise BadInputError("is not the truth that the track committed to", where=str(path))
    return salted


def _public(board: Leaderboard, manifest: Manifest) -> Path:
    """The truth that everybody may read; if it was hidden once, it must be the one that was committed to."""
    clear = board.truth(manifest)
    salt = board.path / "tracks" / manifest.name / SALT_FILE
    if manifest.truth.commitment is None or not salt.is_file():
        return clear
    try:
        salted = bytes.fromhex(read_bytes(salt).decode("ascii").strip()) + read_bytes(clear)
    except ValueError:
        raise BadInputError("is not a salt in hexadecimal digits", where=str(salt)) from None
    if digest(salted) != manifest.truth.commitment:
        raise BadInputError("is not the truth that the track committed to", where=str(clear))
    return clear


def _encrypted(salted: bytes, recipients: Sequence[str]) -> bytes:
    pyrage = _pyrage()
    try:
        keys = [pyrage.x25519.Recipient.from_str(text) for text in recipients]
        data: bytes = pyrage.encrypt(salted, keys)
    except Exception:  # noqa: BLE001  pyrage has an error type a version
        remedy = "make one: age-keygen"
        raise BadInputError("not an age public key", expected="age1…", remedy=remedy) from None
    return data


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
