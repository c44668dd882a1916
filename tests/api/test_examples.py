"""Every public name of the front door has an example, and every example is true."""

from __future__ import annotations

import doctest
import importlib
import inspect
import json
import os
import shutil
from pathlib import Path

import pytest

import bmbench

API = Path(bmbench.__file__).parent / "api"
ROOT = API.parents[1]
README = ROOT / "README.md"
PAGES = [path for path in sorted((ROOT / "docs").rglob("*.md")) if ">>>" in path.read_text("utf-8")]
MODULES = [path.stem for path in sorted(API.glob("*.py")) if ">>>" in path.read_text("utf-8")]
EXAMPLES = {
    one.name.removeprefix("bmbench.api."): one
    for name in MODULES
    for one in doctest.DocTestFinder(exclude_empty=True).find(importlib.import_module(f"bmbench.api.{name}"))
    if one.examples
}
SHOWN = {"pandas": "to_frame", "supervision": "supervision."}
"""Libraries of others that an example may show, and by what one sees that it does."""


@pytest.fixture(scope="module")
def desk(marrow, tmp_path_factory):
    """A folder as a user has one: annotated images in three formats, and a first run."""
    folder = tmp_path_factory.mktemp("desk")
    for name in marrow.iterdir():
        target = folder / ("my.json" if name.suffix == ".json" else name.name)
        (shutil.copytree if name.is_dir() else shutil.copyfile)(name, target)
    picture = next((folder / "images").iterdir())
    for home in ("annotated", "yolo/images"):
        (folder / home).mkdir(parents=True)
        shutil.copyfile(picture, folder / home / "slide_1.png")
    ring = [[10, 10], [30, 10], [30, 40], [10, 40], [10, 10]]
    drawn = {"type": "Feature", "properties": {}, "geometry": {"type": "Polygon", "coordinates": [ring]}}
    text = json.dumps({"type": "FeatureCollection", "features": [drawn]})
    (folder / "annotated" / "slide_1.geojson").write_text(text)
    (folder / "yolo" / "labels").mkdir()
    (folder / "yolo" / "labels" / "slide_1.txt").write_text("0 0.5 0.5 0.1 0.1\n")
    (folder / "yolo" / "classes.txt").write_text("cell\n")
    (folder / "mine.toml").write_text(
        'schema = "bmbench.suite/1"\nname = "mine"\ntitle = "My slides"\nmethods = ["blob_log"]\n'
        '[[sets]]\nname = "mine"\nfolder = "."\nsettings = ["n_blobs=1", "n_scales=1"]\n'
    )
    here = Path.cwd()
    os.chdir(folder)
    try:
        made = bmbench.run("blob_log", dataset="my.json", show_progress=False)
        made.folder.rename(folder / "runs" / "first")
        yield folder
    finally:
        os.chdir(here)


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_are_true(desk, name):
    source = "".join(example.source for example in EXAMPLES[name].examples)
    for library, sign in SHOWN.items():
        if sign in source:
            pytest.importorskip(library, reason=f"the example shows {library}, which is not installed here")
    said = []
    ran = doctest.DocTestRunner().run(EXAMPLES[name], out=said.append, clear_globs=False)
    assert ran.failed == 0, "".join(said)


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_the_lines_of_the_pages_are_true(desk, page):
    ran = doctest.testfile(str(page), module_relative=False)
    assert ran.attempted
    assert not ran.failed


def test_the_lines_of_the_readme_are_true(desk, recwarn):
    block = next(part for part in README.read_text("utf-8").split("```python\n")[1:]).partition("```")[0]
    told = {}
    exec(block, told)
    assert told["result"].centres.ap is not None
    assert len(told["cells"]) >= 0


def test_every_public_name_has_an_example():
    without = []
    for name in bmbench.__all__:
        value = getattr(bmbench, name)
        members = {name: value}
        if inspect.isclass(value):
            members |= {f"{name}.{one}": part for one, part in vars(value).items() if is_public(one, part)}
        for full, part in members.items():
            if ">>>" not in (inspect.getdoc(part) or ""):
                without.append(full)
    assert without == []


def is_public(name: str, value: object) -> bool:
    """Whether it is a method that users call; the example of a class shows its properties."""
    return not name.startswith("_") and (isinstance(value, classmethod) or inspect.isfunction(value))
