"""A copy of a study at any address that fsspec knows: ``s3://BUCKET/FOLDER``, ``file:///FOLDER``.

::

    study.json, report.md …     as in the study's folder
    runs/CELL/                  finished runs; metrics.json arrives last
    unfinished/CELL.tar         a run under way as it stood a minute ago at most, in one piece

Every file there is whole or not there, as far as the store keeps that promise; what was torn (a copy to a
disk that was killed) has another size, and is sent again, as is everything whose metrics.json did not arrive.
There are no locks: one command at a time.
"""

from __future__ import annotations

import tarfile
import tempfile
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from bmbench.benchmark.reproduce.folder import ELSEWHERE, StudyFolder
from bmbench.benchmark.reproduce.matrix import Cell, Matrix
from bmbench.benchmark.workers.retries import where_it_stands
from bmbench.core.errors import BadInputError, BmbenchError, MissingExtraError, RunFailedError
from bmbench.core.files import folder_aside, writing_folder
from bmbench.core.progress import Progress

EVERY_S = 60.0
"""Seconds between two copies of an unfinished run."""
_LAST = "metrics.json"


@dataclass(frozen=True)
class Mirror:
    """The copy of a study at an address; it can be pickled."""

    url: str

    def check(self) -> None:
        """Nothing, or what is wrong with the address.

        Raises
        ------
        BadInputError
            If it is none that fsspec knows.
        MissingExtraError
            If what reads such addresses is not installed.
        RunFailedError
            If the place cannot be read.
        """
        self.sizes("")

    def begin(self, folder: StudyFolder, wanted: Matrix) -> None:
        """Have what the study holds there in the folder too: its cells and its finished runs.

        Raises
        ------
        BadInputError
            If it is another study than the one that is wanted.
        """
        with tempfile.TemporaryDirectory() as name:
            there = StudyFolder(Path(name))
            if not self.get("study.json", there.path / "study.json"):
                return
            try:
                there.check(wanted)
            except BadInputError as error:
                remedy = "choose another --publish"
                raise BadInputError(
                    error.what, where=self.url, expected=error.expected, got=error.got, remedy=remedy
                ) from None
            matrix = there.read()
        folder.join(matrix)
        for cell in matrix.cells:
            with folder.working(cell) as mine:
                if mine:
                    self.fetch(folder, cell)

    def send(self, folder: StudyFolder, cells: Sequence[Cell]) -> None:
        """Have there what the folder holds: the study, its report, and the finished ones of these runs."""
        for cell in cells:
            if folder.is_finished(cell):
                self.store(folder, cell)
        for path in sorted(path for path in folder.path.iterdir() if path.is_file()):
            if not path.name.startswith("."):
                self.put(path, path.name)

    def fetch(self, folder: StudyFolder, cell: Cell) -> None:
        """Have a finished run of there in the folder, and its answers to other images, unless they are there.

        Each appears whole.
        """
        place, run = f"runs/{cell.name}", folder.run(cell)
        names = self.sizes(place)
        if _LAST not in names:
            return
        if not folder.is_finished(cell):
            self._bring(place, names, run)
            return
        for marker in sorted({_marker(name) for name in names} & names.keys() - {_LAST}):
            if not (run / marker).is_file():
                part = marker.removesuffix(f"/{_LAST}")
                own = [name.removeprefix(f"{part}/") for name in names if _marker(name) == marker]
                self._bring(f"{place}/{part}", own, run / part)

    def _bring(self, place: str, names: Iterable[str], path: Path) -> None:
        """Have the files of a place in a folder, instead of what is in it."""
        with writing_folder(path, replace=True) as aside:
            for name in names:
                self.get(f"{place}/{name}", aside / name)

    def fetch_unfinished(self, folder: StudyFolder, cell: Cell) -> None:
        """Have a run under way in the folder as it last stood, unless there is one."""
        if folder.run(cell).exists():
            return
        with folder_aside(folder.run(cell)) as aside:
            packed = aside.with_name("packed.tar")
            # A copy that somebody did not finish is none.
            with suppress(tarfile.ReadError):
                if self.get(_unfinished(cell), packed):
                    with tarfile.open(packed) as tar:
                        tar.extractall(aside, filter="data")
                    aside.rename(folder.run(cell))

    def store(self, folder: StudyFolder, cell: Cell) -> None:
        """Have a finished run there."""
        run, place = folder.run(cell), f"runs/{cell.name}"
        there = self.sizes(place)
        for path in sorted(_files(run), key=lambda path: (path.name == _LAST, path)):
            name = path.relative_to(run).as_posix()
            # What lies there of a run that did not end may be of another attempt: weights of one network all
            # have one size.
            if _marker(name) not in there or there.get(name) != path.stat().st_size:
                self.put(path, f"{place}/{name}")
        with self._refusals("written"):
            if self._fs.exists(self._at(_unfinished(cell))):
                self._fs.rm_file(self._at(_unfinished(cell)))

    @contextmanager
    def keeping(self, folder: StudyFolder, cell: Cell, progress: Progress) -> Iterator[None]:
        """Keep a copy of a run under way there, renewed as long as the block lasts and the run gets on."""
        ended = threading.Event()

        def keep() -> None:
            kept = ""
            while not ended.wait(EVERY_S):
                # A run that must stop says so to its own thread.
                with suppress(KeyboardInterrupt):
                    kept = self._keep(folder, cell, kept, progress)

        thread = threading.Thread(target=keep, daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def _keep(self, folder: StudyFolder, cell: Cell, kept: str, progress: Progress) -> str:
        """Where the run stood when it was kept."""
        run = folder.run(cell)
        stands = where_it_stands(run)
        if not run.is_dir() or stands == kept:
            return kept
        try:
            with tempfile.TemporaryDirectory() as name:
                packed = Path(name) / "packed.tar"
                with tarfile.open(packed, "w") as tar:
                    for path in _files(run):
                        tar.add(path, path.relative_to(run).as_posix())
                self.put(packed, _unfinished(cell))
        except FileNotFoundError:
            # The run got on meanwhile; the next copy will be newer.
            return kept
        except RunFailedError as error:
            progress.note(str(error))
            return kept
        return stands

    def sizes(self, place: str) -> dict[str, int]:
        """The names of the files below a place, from there, and their bytes."""
        root = self._at(place)
        with self._refusals("read"):
            self._fs.invalidate_cache()
            found: dict[str, Any] = self._fs.find(root, detail=True)
        return {name[len(root) + 1 :]: facts["size"] for name, facts in found.items()}

    def put(self, path: Path, name: str) -> None:
        """Have a file there."""
        with self._refusals("written"):
            self._fs.put_file(str(path), self._at(name))

    def get(self, name: str, path: Path) -> bool:
        """Whether there is such a file; then `path` has it."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with self._refusals("read"):
            try:
                self._fs.get_file(self._at(name), str(path))
            except FileNotFoundError:
                return False
        return True

    def _at(self, name: str) -> str:
        root: str = self._opened[1].rstrip("/")
        return f"{root}/{name}" if name else root

    @property
    def _fs(self) -> Any:
        return self._opened[0]

    @cached_property
    def _opened(self) -> tuple[Any, str]:
        protocol, colon, _ = self.url.partition("://")
        if not colon:
            raise BadInputError(
                f"--publish {self.url!r}", expected="an address: s3://BUCKET/FOLDER, file:///FOLDER"
            )
        try:
            import fsspec
        except ImportError:
            raise MissingExtraError("fsspec, which --publish needs,", extra="cluster") from None
        try:
            fs, root = fsspec.url_to_fs(self.url, **({"auto_mkdir": True} if protocol == "file" else {}))
        except ImportError as error:
            raise MissingExtraError(f"what reads {protocol}:// ({error})", extra="s3") from None
        except ValueError as error:
            raise BadInputError(f"--publish {self.url!r}", got=str(error)) from None
        return fs, root

    @contextmanager
    def _refusals(self, done: str) -> Iterator[None]:
        try:
            yield
        except (BmbenchError, KeyboardInterrupt):
            raise
        # Each file system has errors of its own.
        except Exception as error:
            raise RunFailedError(f"{self.url}: cannot be {done} ({type(error).__name__}: {error})") from error

    def __reduce__(self) -> tuple[type[Mirror], tuple[str]]:
        """Only the address goes to other processes: connections cannot."""
        return Mirror, (self.url,)


def _unfinished(cell: Cell) -> str:
    return f"unfinished/{cell.name}.tar"


def _marker(name: str) -> str:
    """The file that arrives after a file of a run: its answers to other images have one of their own."""
    parts = name.split("/")
    return "/".join((*parts[:2], _LAST)) if parts[0] == ELSEWHERE else _LAST


def _files(run: Path) -> list[Path]:
    """The whole files of a run: names that begin with a dot are locks, or not finished."""
    found = (path for path in run.rglob("*") if path.is_file())
    return sorted(path for path in found if "/." not in f"/{path.relative_to(run).as_posix()}")
