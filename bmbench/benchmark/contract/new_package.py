"""The package that `bmbench method new` writes: one that runs at once, to be changed."""

import re
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType

from bmbench.adapters import METHODS
from bmbench.core.errors import BadInputError
from bmbench.core.files import writing_folder

_NAME = re.compile(r"[a-z][a-z0-9_]{1,39}")
_TEMPLATES: Mapping[str, str] = MappingProxyType(
    {
        "pyproject.toml": "pyproject.toml.in",
        "README.md": "README.md.in",
        "@NAME@/__init__.py": "package/__init__.py.in",
        "@NAME@/method.py": "package/method.py.in",
        "tests/test_method.py": "tests/test_method.py.in",
    }
)
"""File in the new package → its text here."""


def new_package(name: str, out: Path) -> Path:
    """The folder of a new package of that name in `out`, whole or not at all.

    Raises
    ------
    BadInputError
        If a package or a method cannot have that name, or there is such a folder.
    """
    if not _NAME.fullmatch(name):
        raise BadInputError(
            f"no name of a package: {name!r}", expected="small letters, digits and _, a letter first"
        )
    if name in METHODS.own_names():
        raise BadInputError(f"bmbench itself has a method {name!r}", remedy="choose another name")
    folder = out / name
    if folder.exists():
        raise BadInputError("is there already", where=str(folder), remedy="choose another name or --out")
    with writing_folder(folder) as aside:
        for place, template in _TEMPLATES.items():
            path = aside / place.replace("@NAME@", name)
            path.parent.mkdir(exist_ok=True)
            text = files("bmbench.benchmark.contract").joinpath("template", template).read_text("utf-8")
            path.write_text(text.replace("@NAME@", name), "utf-8")
    return folder
