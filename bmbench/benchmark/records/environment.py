"""What a result was made with: versions, code, machine."""

import importlib.metadata
import os
import platform
import shutil
import subprocess
from pathlib import Path
from typing import Any

import bmbench

_PACKAGES = (
    "numpy",
    "scipy",
    "torch",
    "torchvision",
    "opencv-python-headless",
    "scikit-image",
    "pillow",
    "matplotlib",
)


def describe_environment() -> dict[str, Any]:
    """Versions of bmbench and its dependencies, its commit (with a dirty flag) and the machine."""
    return {
        "bmbench": bmbench.__version__,
        "code": _code_version(),
        "python": platform.python_version(),
        "packages": {name: version for name in _PACKAGES if (version := _version(name))},
        "system": platform.platform(terse=True),
        "machine": platform.machine(),
        "cpus": os.cpu_count(),
    }


def versions_of(environment: dict[str, Any]) -> dict[str, Any]:
    """What of an environment decides about bytes: packages, bmbench, and its commit where it is known."""
    commit = (environment.get("code") or {}).get("commit")
    return {
        **environment.get("packages", {}),
        "bmbench": environment.get("bmbench"),
        **({"bmbench's code": commit} if commit else {}),
    }


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _code_version() -> dict[str, Any] | None:
    """The commit bmbench runs from, None where it is not a checkout of its own repository."""
    root = Path(bmbench.__file__).resolve().parent.parent
    if not (root / ".git").exists() or shutil.which("git") is None:
        return None
    commit, status = _git(root, "rev-parse", "HEAD"), _git(root, "status", "--porcelain")
    if not commit:
        return None
    return {"commit": commit, "dirty": bool(status)}


def _git(root: Path, *arguments: str) -> str:
    command = ["git", "-C", str(root), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip()
