"""`bmbench leaderboard host`: the files that a git host runs, beside the tracks."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from bmbench.core.errors import BadInputError
from bmbench.core.files import write_bytes
from bmbench.core.gate import read_bytes
from bmbench.leaderboards.hosting.pinned_package import pinned_package

Platform: TypeAlias = Literal["github", "gitlab"]

TEMPLATE = Path(__file__).parent / "template"
PACKAGE_FILE = "ci/bmbench.txt"
_ONLY: dict[Platform, tuple[str, ...]] = {"github": (".github/",), "gitlab": (".gitlab-ci.yml",)}
_MAINTAINERS = "@MAINTAINERS@"
_OWNER = re.compile(r"@[A-Za-z0-9][A-Za-z0-9._/-]*\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class HostWishes:
    """Where the board will live, which bmbench runs there, and who owns what is not a submission."""

    platform: Platform
    package: str
    maintainers: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """The paths that were written, and those that were there and differ, which were left as they are."""

    new: tuple[str, ...]
    kept: tuple[str, ...]


def template_files(platform: Platform) -> dict[str, Path]:
    """Path in the repository → file of the template, where the first dot of a name is written out."""
    others = tuple(start for other, starts in _ONLY.items() if other != platform for start in starts)
    files = {}
    for path in sorted(TEMPLATE.rglob("*")):
        name = re.sub(r"^dot-", ".", path.relative_to(TEMPLATE).as_posix())
        # pip compiles the scripts of a template as well, when it installs bmbench.
        if path.is_file() and path.suffix != ".pyc" and not name.startswith(others):
            files[name] = path
    return files


def write_template(board: Path, wishes: HostWishes) -> Written:
    """Write what the platform runs; a file that is there is never changed.

    Raises
    ------
    BadInputError
        If the package is not pinned, or the maintainers are no login or team.
    """
    if not _OWNER.match(wishes.maintainers):
        expected = "@login or @organisation/team"
        raise BadInputError(
            "cannot own files", where="--maintainers", expected=expected, got=repr(wishes.maintainers)
        )
    package = pinned_package(wishes.package)
    texts = {
        name: read_bytes(path).replace(_MAINTAINERS.encode(), wishes.maintainers.encode())
        for name, path in template_files(wishes.platform).items()
    }
    texts[PACKAGE_FILE] = f"{package.line}\n".encode()
    if package.wheel is not None:
        name, data = package.wheel
        texts[f"ci/{name}"] = data
    kept = [name for name, text in texts.items() if _differs(board / name, text)]
    new = [name for name in texts if not (board / name).exists()]
    for name in new:
        write_bytes(board / name, texts[name])
        if name.endswith(".sh"):
            (board / name).chmod(0o755)
    return Written(new=tuple(new), kept=tuple(kept))


def _differs(path: Path, text: bytes) -> bool:
    return path.exists() and read_bytes(path) != text
