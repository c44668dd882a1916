"""Look at what is to be released: what is in it, and whether it installs and works in a clean environment.

    python locks/check_release.py dist

The wheel has to hold the package with all its data and nothing else; the source distribution what builds and
tests need. Then each is installed beside the pinned packages of ``locks/light.txt``, in an environment of its
own, and scores, draws a data set and says its version from an empty folder.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tarfile
import tempfile
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
IN_SOURCE = (
    "README.md",
    "LICENSE",
    "CHANGELOG.md",
    "CITATION.cff",
    "pyproject.toml",
    "hatch_build.py",
    "tests/conftest.py",
)
NEVER = re.compile(r"(^|/)(\.git|\.venv|runs|site|dist|__pycache__|\.env)(/|$)|\.(pyc|ipynb_checkpoints)$")


def wheel_faults(wheel: Path) -> list[str]:
    """What a wheel lacks, or holds too much."""
    with zipfile.ZipFile(wheel) as file:
        names = set(file.namelist())
        metadata = next(file.read(name).decode() for name in names if name.endswith(".dist-info/METADATA"))
    tracked = set(_git("ls-files", "bmbench"))
    own = {name for name in names if ".dist-info/" not in name}
    faults = [f"the wheel lacks {name}" for name in sorted(tracked - own)]
    faults += [f"the wheel holds {name}" for name in sorted(own - tracked)]
    faults += (
        [] if any(name.endswith("licenses/LICENSE") for name in names) else ["the wheel lacks the licence"]
    )
    relative = re.findall(r"\]\((?![a-z]+:|#)([^)]+)\)", metadata)
    return faults + [
        f"a link of the README leads to {target}, which the index has not" for target in relative
    ]


def source_faults(source: Path) -> list[str]:
    """What a source distribution lacks, or holds too much."""
    with tarfile.open(source) as file:
        names = {name.partition("/")[2] for name in file.getnames()}
    faults = [f"the source distribution lacks {name}" for name in IN_SOURCE if name not in names]
    return faults + [f"the source distribution holds {name}" for name in sorted(names) if NEVER.search(name)]


def works(package: Path) -> None:
    """Install a package in an environment of its own and use it; a command that fails ends this."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        venv.create(place / "env", with_pip=True)
        python = place / "env" / "bin" / "python"
        pip = [python, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
        pinned = ["--require-hashes", "--only-binary", ":all:", "--requirement", ROOT / "locks" / "light.txt"]
        _run([*pip, *pinned], place)
        _run([*pip, "--no-deps", "--no-build-isolation", package.resolve()], place)
        _try(place, place / "env" / "bin" / "bmbench")
    print(f"{package.name}: installs, and works from an empty folder")


def _try(place: Path, bmbench: Path) -> None:
    box = {"image_id": 1, "category_id": 1, "bbox": [10, 10, 20, 20]}
    truth = {
        "images": [{"id": 1, "file_name": "a.png", "width": 90, "height": 90}],
        "categories": [{"id": 1, "name": "cell"}],
        "annotations": [{"id": 1, **box}],
    }
    (place / "truth.json").write_text(json.dumps(truth))
    (place / "found.json").write_text(json.dumps([{**box, "score": 0.9}]))
    _run([bmbench, "--version"], place)
    said = _run([bmbench, "score", "found.json", "--truth", "truth.json", "--radius", "5", "--json"], place)
    assert json.loads(said)["cd"]["tp"] == 1, said
    _run([bmbench, "methods"], place)
    _run([bmbench, "datasets", "synthesise", "smears", "--images", "2", "--size", "256"], place)
    _run([bmbench, "datasets", "info", "smears"], place)


def _run(command: list[object], folder: Path) -> str:
    done = subprocess.run(list(map(str, command)), cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
    return done.stdout


def _git(*arguments: str) -> list[str]:
    return _run(["git", *arguments], ROOT).split()


def main() -> None:
    """Look at the wheel and the source distribution of a folder."""
    dist = Path(sys.argv[1])
    (wheel,), (source,) = sorted(dist.glob("*.whl")), sorted(dist.glob("*.tar.gz"))
    faults = [*wheel_faults(wheel), *source_faults(source)]
    if faults:
        sys.exit("\n".join(faults))
    print(f"{wheel.name}, {source.name}: hold what they shall")
    for package in (wheel, source):
        works(package)


if __name__ == "__main__":
    main()
