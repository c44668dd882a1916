"""Which bmbench a host installs: a commit, or a wheel with its digest. A package index is not needed."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from bmbench.core.errors import BadInputError
from bmbench.core.gate import read_bytes

_COMMIT = re.compile(r"git\+https://[A-Za-z0-9._~/:-]+@[0-9a-f]{40}\Z")
_WHEEL = re.compile(r"(https://[A-Za-z0-9._~/:%+-]+\.whl)#sha256=([0-9a-f]{64})\Z")
_WAYS = (
    "git+https://HOST/OWNER/REPOSITORY@COMMIT (40 digits), a wheel's path, or https://…/x.whl#sha256=DIGEST"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PinnedPackage:
    """The line of `ci/bmbench.txt`, and the name and bytes of the wheel that goes beside it, if one does."""

    line: str
    wheel: tuple[str, bytes] | None = None


def pinned_package(wish: str) -> PinnedPackage:
    """What a host installs, from what it wished for.

    A commit is its own digest; pip cannot check another one of it. A wheel is pinned by its SHA-256.

    Raises
    ------
    BadInputError
        If it is none of the three that always give the same code.
    """
    if _COMMIT.match(wish):
        return PinnedPackage(line=f"bmbench @ {wish}")
    if wheel := _WHEEL.match(wish):
        return PinnedPackage(line=f"bmbench @ {wheel[1]} --hash=sha256:{wheel[2]}")
    path = Path(wish)
    if path.suffix == ".whl" and "://" not in wish:
        data = read_bytes(path)
        return PinnedPackage(
            line=f"./ci/{path.name} --hash=sha256:{hashlib.sha256(data).hexdigest()}", wheel=(path.name, data)
        )
    raise BadInputError(
        "is not one fixed version of the package",
        where="--package",
        expected=_WAYS,
        got=repr(wish),
        remedy="make a wheel with `pip wheel --no-deps .`, or name the commit that you trust",
    )


def is_pinned(line: str) -> bool:
    """Whether a line of `ci/bmbench.txt` is one of those that `pinned_package` writes."""
    by_digest = re.search(r"(\.whl) --hash=sha256:[0-9a-f]{64}\Z", line)
    return bool(by_digest or _COMMIT.match(line.removeprefix("bmbench @ ")))
