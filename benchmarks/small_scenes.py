"""One small call of every command that writes, what it works on, and what undisturbed work ends with."""

from __future__ import annotations

import shutil
import sys
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from failing_calls import command
from PIL import Image

DIFFER = ("log.txt", "timing.json", "environment.json")
BOARD = Path(__file__).resolve().parents[1] / "leaderboards" / "synthetic"
_VOC = """<annotation><size><width>64</width><height>64</height></size><object><name>WBC</name>
<bndbox><xmin>9</xmin><ymin>9</ymin><xmax>40</xmax><ymax>40</ymax></bndbox></object></annotation>"""


@dataclass(frozen=True, kw_only=True)
class Scene:
    """One command: what it is called, its words for a place, what is there before, and where it writes.

    Attributes
    ----------
    words : place → arguments
        They may differ once something is there: a run that was begun is resumed.
    before : place → None
        Makes what must be there before.
    made : str
        The file or folder in the place that the command writes.
    """

    name: str
    words: Callable[[Path], Sequence[object]]
    before: Callable[[Path], None] = lambda place: place.mkdir(parents=True)
    made: str = "out"

    def files(self, place: Path) -> dict[str, bytes]:
        """Every file that can be seen and has to be the same in the end."""
        home = place / self.made
        found = [home] if home.is_file() else [path for path in home.rglob("*") if path.is_file()]
        names = {path.relative_to(place).as_posix(): path for path in found if path.name not in DIFFER}
        return {name: path.read_bytes() for name, path in names.items() if "/." not in f"/{name}"}

    def hidden(self, place: Path) -> list[str]:
        """What is left that nobody should see."""
        found = (path.relative_to(place).as_posix() for path in place.rglob("*"))
        return [name for name in found if "/." in f"/{name}" or ".unfinished" in name]


def scenes(folder: Path, *, board: bool = True) -> list[Scene]:
    """Every scene, that of a leaderboard if wanted; what they share is made in `folder` first."""
    data, run = folder / "marrow", folder / "runs" / "trained"
    made("datasets", "synthesise", data, "--images", 4, "--size", 256)
    made("run", "--method", "blob_log", "--dataset", data, "--out", run.parent)
    next(run.parent.iterdir()).rename(run)
    made("predict", data / "images", "--run", run, "-o", folder / "predicted")
    _archive(folder / "bccd.zip")
    return [
        Scene(
            name="synthesise",
            words=lambda place: ("datasets", "synthesise", place / "out", "--images", 4, "--size", 256),
        ),
        Scene(name="run", words=lambda place: _run(place / "out", data)),
        Scene(
            name="predict to a folder",
            words=lambda place: ("predict", data / "images", "--run", run, "-o", place / "out"),
        ),
        Scene(
            name="predict to a table",
            words=lambda place: ("predict", data / "images", "--run", run, "-o", place / "out" / "cells.csv"),
        ),
        Scene(
            name="convert", words=lambda place: ("datasets", "convert", data, place / "out", "--to", "qupath")
        ),
        Scene(
            name="import",
            words=lambda place: (
                "datasets",
                "import",
                folder / "predicted",
                place / "out" / "set.json",
                "--images",
                data / "images",
            ),
        ),
        Scene(
            name="fetch --from",
            words=lambda _: ("datasets", "fetch", "bccd", "--from", folder / "bccd.zip"),
            made="store/bccd",
        ),
        *([_board(folder / "board")] if board else []),
    ]


def _board(board: Path) -> Scene:
    """A leaderboard of one track with two submissions."""
    shutil.copytree(BOARD, board)
    for one in sorted((board / "submissions" / "weak").iterdir())[2:]:
        shutil.rmtree(one)
    for part in ("tracks", "submissions", "results"):
        shutil.rmtree(board / part / "precise", ignore_errors=True)
    made("leaderboard", "score", board, "--afresh")

    def before(place: Path) -> None:
        place.mkdir(parents=True)
        shutil.copytree(board, place / "board")

    return Scene(
        name="leaderboard score",
        words=lambda place: ("leaderboard", "score", place / "board", "--afresh"),
        before=before,
        made="board",
    )


def _run(out: Path, data: Path) -> Sequence[object]:
    begun = [path.parent for path in out.glob("[!.]*/config.json")] if out.is_dir() else []
    if begun:
        return "run", "--resume", begun[0]
    return "run", "--method", "blob_log", "--dataset", data, "--out", out


def _archive(path: Path) -> None:
    """A set as small as BCCD can be."""
    names = [f"BloodImage_{number:05d}" for number in range(12)]
    picture = path.with_name("smear.jpg")
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    Image.fromarray(pixels).save(picture)
    with zipfile.ZipFile(path, "w") as packed:
        for name in names:
            packed.write(picture, f"JPEGImages/{name}.jpg")
            packed.writestr(f"Annotations/{name}.xml", _VOC)
        for part, own in (("train", names[:9]), ("val", names[9:])):
            packed.writestr(f"ImageSets/Main/{part}.txt", "\n".join(own) + "\n")


def made(*words: object) -> None:
    """What the command makes, in this process."""
    ended = command(*words)
    if ended.code:
        sys.exit(f"exit code {ended.code}: {ended.said} {ended.traceback}")
