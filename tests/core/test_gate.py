"""The gate for files from outside, and that nothing else in the house opens any."""

from __future__ import annotations

import ast
import os
import re
from pathlib import Path

import pytest

import bmbench as package
from bmbench.core.errors import BadInputError
from bmbench.core.gate import copy_file, files_in, folders_named, open_file, plain_name, read_bytes

HOUSE = Path(package.__file__).parent
OPENERS = {
    "open", "read_bytes", "read_text", "TiffFile", "imread", "memmap", "fromfile", "loadtxt", "genfromtxt",
    "copyfile", "copy", "copy2", "copytree", "ZipFile", "is_zipfile", "dcmread", "read_csv", "OpenSlide",
    "sendfile", "fdopen", "load_file", "safe_open",
}  # fmt: skip
"""Calls of these names open a file, where they are given its name."""
LOADERS = {"np.load", "numpy.load", "torch.load"}
HARMLESS = {
    # Not a file: a class method of that name, or bytes in memory, or a file that the gate has opened.
    "RunDir.open", "self.open", "image.open", "packed.open", "archive.open", "fetched.open",
}  # fmt: skip
ALLOWED = {
    ("adapters/learning/weight_files.py", "torch.load"): "bytes in memory, and never code",
    ("core/disk.py", "os.open"): "what was just written, to be forced to the disk",
    ("core/asides.py", "os.open"): "what is under way, to be held or removed",
    ("core/gate.py", "os.open"): "the gate",
    ("benchmark/records/memory.py", "_PEAK.read_text"): "what the kernel says of this process",
    ("core/gate.py", "os.fdopen"): "the gate",
    ("core/gate.py", "target.open"): "the copy that is written",
    ("core/console.py", "path.open"): "the log of a run, written",
    ("core/locks.py", "os.open"): "a lock of bmbench itself",
    ("datasets/reading/images.py", "Image.open"): "bytes in memory, or a file that the gate has opened",
    (
        "datasets/reading/tiff_files.py",
        "tifffile.TiffFile",
    ): "bytes in memory, or a file that the gate has opened",
    ("datasets/reading/images.py", "tifffile.imread"): "bytes in memory",
    ("datasets/reading/json_stream.py", "gzip.open"): "a file that the gate has opened",
    ("datasets/slides/tiff.py", "Image.open"): "bytes in memory",
    (
        "datasets/slides/vendor.py",
        "openslide.OpenSlide",
    ): "takes names only; the gate has looked at it before",
    (
        "datasets/slides/dicom.py",
        "WsiDicom.open",
    ): "takes names only; the gate has looked at the folder before",
    ("datasets/reading/dicom_header.py", "dcmread"): "a file that the gate has opened",
    ("datasets/formats/labelme.py", "Image.open"): "bytes in memory",
    ("datasets/formats/web_tools/supervisely.py", "Image.open"): "bytes in memory",
    ("datasets/formats/imagej.py", "zipfile.ZipFile"): "bytes in memory, or an archive that is written",
    ("datasets/formats/predictions.py", "aside.open"): "written",
    ("datasets/formats/qupath/geojson.py", "aside.open"): "written",
    ("datasets/synthetic/mosaic.py", "tifffile.TiffFile"): "what was just written",
    ("datasets/fetch/unpack.py", "zipfile.is_zipfile"): "a file that the gate has opened",
    ("datasets/fetch/unpack.py", "zipfile.ZipFile"): "a file that the gate has opened",
    ("datasets/fetch/unpack.py", "tarfile.open"): "a file that the gate has opened",
    ("datasets/fetch/unpack.py", "target.open"): "written",
    ("datasets/fetch/download.py", "part.open"): "written",
    ("datasets/fetch/store.py", "_note(card).read_text"): "a note of bmbench's own store",
    ("leaderboards/results/hidden_truth.py", "os.open"): "a truth that is written for its owner alone",
    ("leaderboards/results/hidden_truth.py", "os.fdopen"): "the same",
    ("benchmark/contract/checks.py", "path.read_bytes"): "what the checked method has just written",
    ("benchmark/prediction/outputs.py", "aside.open"): "written",
    ("benchmark/prediction/crops.py", "aside.open"): "written",
    ("benchmark/counting/tables.py", "aside.open"): "written",
    ("benchmark/budget/report.py", "aside.open"): "written",
    ("benchmark/counting/count.py", "(folder / _IMAGES).open"): "written",
    ("benchmark/counting/report_page.py", "path.open"): "written",
    ("benchmark/counting/report_page.py", "images.open"): "what was just written",
    ("benchmark/prediction/journal.py", "path.open"): "the journal of an answer that is being written",
    ("benchmark/search/trials.py", "path.open"): "a search that is resumed; the gate has looked at it before",
    ("benchmark/reproduce/mirror.py", "tarfile.open"): "an archive in a folder of its own that was just made",
    ("benchmark/suite/archive.py", "tarfile.open"): "an archive that is written in memory",
    ("benchmark/workers/devices.py", "(place / f'{rank}.log').open"): "a log in a folder of its own",
    ("benchmark/workers/devices.py", "(place / f'{rank}.log').read_text"): "a log in a folder of its own",
    ("benchmark/workers/devices.py", "(place / _REQUEST).read_bytes"): "a request in a folder of its own",
    ("cli/finished.py", "webbrowser.open"): "a page that was just written, shown to the user",
    ("benchmark/workers/checks.py", "token.read_text"): "a token that bmbench wrote into a study",
}
"""Where else a file is opened, and why that is no file from outside."""
PACKAGED = "files("
"""What bmbench ships is read through importlib.resources."""


def opened_in(text: str) -> set[str]:
    """The names in a module's text that open a file, as they are written; called or handed on."""
    nodes = list(ast.walk(ast.parse(text)))
    own = {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    own |= {
        alias.asname or alias.name
        for node in nodes
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("bmbench.")
        for alias in node.names
    }
    found = {ast.unparse(node) for node in nodes if isinstance(node, ast.Attribute) and node.attr in OPENERS}
    found |= LOADERS & {ast.unparse(node) for node in nodes if isinstance(node, ast.Attribute)}
    found |= {node.id for node in nodes if isinstance(node, ast.Name) and node.id in OPENERS - own}
    found = {name for name in found if not name.endswith(".copy") or name == "shutil.copy"}
    return {name for name in found if not re.match(r"\(?files\(", name)} - HARMLESS - {"copy"}


def test_nothing_but_the_gate_opens_files_from_outside():
    """A new place that opens a file goes through `bmbench.core.gate`, or says here why it need not."""
    found = {
        (path.relative_to(HOUSE).as_posix(), name)
        for path in HOUSE.rglob("*.py")
        for name in opened_in(path.read_text("utf-8"))
    }
    assert found - set(ALLOWED) == set()
    assert set(ALLOWED) - found == set(), "no longer there"


@pytest.mark.parametrize(
    "text",
    [
        "open(path)", "path.open('rb')", "f(path.read_bytes)", "(folder / name).read_text()",
        "Image.open(path)", "tifffile.TiffFile(path)", "np.load(path)", "shutil.copyfile(a, b)",
        "json.load(open(path))", "zipfile.ZipFile(path)", "os.open(path, 0)",
    ],
)  # fmt: skip
def test_the_search_for_openers_finds_them(text):
    assert opened_in(text)


@pytest.mark.parametrize(
    "text",
    [
        "from bmbench.core.gate import read_bytes\nread_bytes(path)", "array.copy()", "RunDir.open(path)",
        "files('bmbench').joinpath('x').read_text('utf-8')", "sample.load()",
    ],
)  # fmt: skip
def test_the_search_for_openers_finds_nothing_else(text):
    assert opened_in(text) == set()


@pytest.fixture
def home(tmp_path):
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "a.txt").write_bytes(b"inside")
    (tmp_path / "secret.txt").write_bytes(b"outside")
    return tmp_path


def test_a_file_is_read_whole(home):
    assert read_bytes(home / "set" / "a.txt") == b"inside"
    assert read_bytes(home / "set" / "a.txt", within=home / "set") == b"inside"
    assert read_bytes(home / "set" / ".." / "set" / "a.txt", within=home / "set") == b"inside"


def test_a_folder_whose_name_begins_alike_is_another(home):
    (home / "set-2").mkdir()
    (home / "set-2" / "b.txt").write_bytes(b"outside")
    with pytest.raises(BadInputError, match="leads out of the folder that was named"):
        read_bytes(home / "set" / ".." / "set-2" / "b.txt", within=home / "set")


@pytest.mark.usefixtures("posix")
def test_links_are_followed_inside_only(home):
    (home / "set" / "in.txt").symlink_to("a.txt")
    (home / "set" / "out.txt").symlink_to("../secret.txt")
    (home / "link").symlink_to("set")
    assert read_bytes(home / "set" / "in.txt", within=home / "link") == b"inside"
    assert read_bytes(home / "set" / "out.txt") == b"outside"
    for within in (home / "set", home / "link"):
        with pytest.raises(BadInputError, match="leads out of the folder that was named"):
            read_bytes(within / "out.txt", within=within)


@pytest.mark.usefixtures("posix")
def test_a_link_that_is_turned_between_looking_and_opening_is_found(home, monkeypatch):
    link = home / "set" / "link.txt"
    link.symlink_to("a.txt")
    opening = os.open

    def turned(path, flags):
        link.unlink()
        link.symlink_to("../secret.txt")
        return opening(path, flags)

    monkeypatch.setattr(os, "open", turned)
    with pytest.raises(BadInputError, match="leads out of the folder that was named"):
        read_bytes(link, within=home / "set")


@pytest.mark.usefixtures("posix")
def test_no_device_outside_is_ever_opened(home, monkeypatch):
    """Opening some of them is an act: a tape rewinds, a watchdog starts."""
    (home / "set" / "link").symlink_to("/dev/null")
    monkeypatch.setattr(os, "open", lambda *_: pytest.fail("opened"))
    with pytest.raises(BadInputError, match="leads out of the folder that was named"):
        read_bytes(home / "set" / "link", within=home / "set")


def test_no_more_than_the_limit_is_read(home):
    assert read_bytes(home / "secret.txt", limit=7) == b"outside"
    with pytest.raises(BadInputError, match=r"too large \(expected at most 6 bytes, got 7\)"):
        read_bytes(home / "secret.txt", limit=6)


def test_a_file_is_looked_at_once(home, monkeypatch):
    calls = []
    looking = os.fstat
    monkeypatch.setattr(os, "fstat", lambda handle: calls.append("fstat") or looking(handle))
    monkeypatch.setattr(os, "stat", lambda *_: pytest.fail("one look more"))
    open_file(home / "set" / "a.txt", within=home / "set").close()
    assert calls == ["fstat"]


@pytest.mark.parametrize("name", ["\0", "x" * 300, "\ud800", "d/" * 3000, "absent"])
def test_names_that_no_file_has_are_one_sentence(home, name):
    for within in (None, home):
        with pytest.raises(BadInputError) as caught:
            read_bytes(home / name, within=within)
        str(caught.value).encode()
        assert len(str(caught.value)) < 2000
    assert read_bytes(home / "secret.txt") == b"outside"


def test_a_copy_has_the_same_bytes(home):
    copy_file(home / "set" / "a.txt", home / "b.txt", within=home / "set")
    assert (home / "b.txt").read_bytes() == b"inside"
    with pytest.raises(BadInputError):
        copy_file(home / "secret.txt", home / "c.txt", within=home / "set")
    assert not (home / "c.txt").exists()


def test_the_files_of_a_folder_in_order(home):
    (home / "set" / "deep" / "er").mkdir(parents=True)
    # What a killed command left, and what macOS writes beside each file.
    (home / "set" / "deep" / ".er.bmbench-abcdefgh" / "new" / "er").mkdir(parents=True)
    for name in (".b.PNG.bmbench-abcdefgh.PNG", "deep/._c.png", "deep/.er.bmbench-abcdefgh/new/d.png"):
        (home / "set" / name).touch()
    for name in ("b.PNG", "deep/c.png", "deep/er/d.png", "e.jpg"):
        (home / "set" / name).touch()
    root = home / "set"
    assert files_in(root, within=root, suffixes=(".png",)) == [root / "b.PNG"]
    deep = files_in(root, within=root, suffixes=(".png",), deep=True)
    assert deep == sorted([root / "b.PNG", root / "deep" / "c.png", root / "deep" / "er" / "d.png"])
    assert folders_named("er", home) == [root / "deep" / "er"]


@pytest.mark.parametrize("name", ["a.png", "ä" * 127, "deep/" * 60 + "a.png", "a\\b.png"])
def test_names_that_files_can_have(name):
    assert plain_name(name) == name


@pytest.mark.parametrize("name", ["ä" * 128, "x" * 256, "a/" + "x" * 256 + "/b", "\ud800.png", "deep/" * 100])
def test_names_that_no_file_can_have(name):
    with pytest.raises(BadInputError):
        plain_name(name)
