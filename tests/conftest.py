"""What all tests share: real data, repeatable property tests, the command, a small data set."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import settings

# Examples are the same on every machine, and a busy machine is no failure.
settings.register_profile("bmbench", deadline=None, derandomize=True, database=None, print_blob=False)
settings.load_profile("bmbench")


@pytest.fixture(scope="session", autouse=True)
def real_fsync() -> Iterator[Callable[[int], None]]:
    """The system's own. Only tests/core wait for the disk, for they look at what is forced to it and when.

    Whether bytes have reached a disk is seen after a power failure alone, and each wait takes milliseconds.
    """
    real = os.fsync
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: None)
        patch.setattr("bmbench.core.disk._force_file_system", lambda _: True)
        yield real


@pytest.fixture(scope="session", autouse=True)
def full_dpi() -> Iterator[int]:
    """The resolution of pictures outside tests; what this process draws here has a fourteenth of the pixels.

    Drawing its pictures took two thirds of the time of a small run.
    """
    from bmbench.benchmark.drawing.figures import save_figure

    assert save_figure.__kwdefaults__
    with pytest.MonkeyPatch.context() as patch:
        full = save_figure.__kwdefaults__["dpi"]
        patch.setitem(save_figure.__kwdefaults__, "dpi", 40)
        yield full


@pytest.fixture
def full_pictures(monkeypatch: pytest.MonkeyPatch, full_dpi: int) -> None:
    """Pictures as they are outside tests, for who measures them or compares them with another process's."""
    from bmbench.benchmark.drawing.figures import save_figure

    assert save_figure.__kwdefaults__
    monkeypatch.setitem(save_figure.__kwdefaults__, "dpi", full_dpi)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data sets (kainz_bm, dsb_purple, bccd); the test is skipped where it is absent."""
    beside = Path(__file__).resolve().parents[2] / "shared"
    shared = Path(os.environ.get("BMBENCH_SHARED", beside))
    folder = shared / "data" if (shared / "data").is_dir() else shared
    if not (folder / "kainz_bm").is_dir():
        pytest.skip("the real data sets are not on this machine (BMBENCH_SHARED, or ../shared/data)")
    return folder


@pytest.fixture(scope="session")
def torch():
    """The library; who asks for it is skipped where it is not installed, as in `make test-light`."""
    return pytest.importorskip("torch")


@pytest.fixture(scope="session")
def posix():
    """Who asks for it is skipped on Windows, which has other signals, links and locks."""
    if os.name == "nt":
        pytest.skip("signals, links or locks that Windows does not have")


class Answer(NamedTuple):
    """What a command left behind for the shell."""

    code: int
    out: str
    err: str


@pytest.fixture
def bmbench(monkeypatch, capsys, tmp_path_factory):
    """The `bmbench` command: call it with its arguments, get an `Answer`. No set is stored on the machine."""
    from bmbench import cli

    monkeypatch.setenv("BMBENCH_DATA", str(tmp_path_factory.mktemp("store")))

    def call(*arguments: object) -> Answer:
        monkeypatch.setattr(sys, "argv", ["bmbench", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        captured = capsys.readouterr()
        return Answer(int(ended.value.code or 0), captured.out, captured.err)

    return call


@pytest.fixture(scope="session")
def marrow(tmp_path_factory) -> Path:
    """A folder of eight small synthetic patches with their COCO file."""
    from bmbench.core.progress import Silent
    from bmbench.datasets.synthetic import synthesise

    folder = tmp_path_factory.mktemp("data") / "marrow"
    synthesise(folder, n_images=8, size_px=256, seed=3, progress=Silent())
    return folder
