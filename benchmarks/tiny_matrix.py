"""A matrix of tiny runs, begun as a user would: what the soak of a cluster and its timing share."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

SETTINGS = {"steps": 20, "width": 4, "views": 1, "validate_every": 5, "patch_px": 64, "batch": 4}
METHODS = ("unet_shrink", "unet_shrink_contour", "unet_dont_care", "unet_distance")
DIFFER = ("log.txt", "timing.json")


def make_data(folder: Path) -> Path:
    """Eight synthetic images of 256 px."""
    bmbench("datasets", "synthesise", folder / "marrow", "--images", 8, "--size", 256).wait()
    return folder / "marrow"


def begin(
    data: Path, out: Path, *more: object, seeds: int = 6, env: dict[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Four U-Nets on circles, so many seeds each: 24 runs if not said otherwise."""
    changes = [text for name, value in SETTINGS.items() for text in ("--set", f"{name}={value}")]
    asked = ["--methods", ",".join(METHODS), "--seeds", ",".join(map(str, range(seeds)))]
    arguments = ["reproduce", "--dataset", data, "--tracks", "weak", "--out", out, *asked, *changes, *more]
    return bmbench(*arguments, env=env)


def bmbench(*arguments: object, env: dict[str, str] | None = None) -> subprocess.Popen[bytes]:
    """The command, its answer in a pipe."""
    command = [sys.executable, "-m", "bmbench", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=env)


def ended(process: subprocess.Popen[bytes]) -> str:
    """What it said; ends this program with it if it failed."""
    said, _ = process.communicate()
    if process.returncode:
        sys.exit(f"exit code {process.returncode}: {said.decode()}")
    return said.decode()


def contents(study: Path) -> dict[str, bytes]:
    """Every file of a study that has to be the same."""
    files = sorted(path for path in study.rglob("*") if path.is_file() and path.name not in DIFFER)
    return {
        path.relative_to(study).as_posix(): path.read_bytes()
        for path in files
        if "locks" not in path.relative_to(study).parts
    }
