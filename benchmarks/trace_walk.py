"""The walk of a command through the house: which files it enters, and how often it changes the layer.

    python benchmarks/trace_walk.py                             # a run, its score, a board: the walks below
    python benchmarks/trace_walk.py score PREDICTIONS --truth TRUTH
    python benchmarks/trace_walk.py run --method unet_shrink --out RUNS
    python benchmarks/trace_walk.py leaderboard build BOARD
    python benchmarks/trace_walk.py --list …                    # every file on a line of its own

Any command of bmbench may be walked; its own output comes first. The package that is imported is the one that
is walked (PYTHONPATH chooses another checkout).

What is counted, at run time: a file of the package is entered when the first of its named functions or
methods is called. The bodies of modules and classes are no functions, so an import enters a file only where
it calls one. Lambdas, comprehensions and the methods that `dataclasses` writes do not count. A file counts
once, where it is entered first. A change of layer is a file in this order whose layer is not that of the file
before it. Threads are followed, other processes are not. The walk begins when `bmbench.cli` is imported.
The layer of a file is its folder in the package; files beside these folders are the front door.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import textwrap
import threading
from dataclasses import dataclass, field
from inspect import CO_NEWLOCALS
from itertools import groupby, pairwise
from pathlib import Path
from types import CodeType, FrameType

WIDTH = 80
QUICK = ("--set", "steps=20", "--set", "validate_every=10")
"""Fewer steps of the same training: the same files are entered in the same order."""


@dataclass(kw_only=True)
class Walk:
    """The codes of a package that were called, by file; the files in the order of their first entry."""

    package: str
    codes: dict[str, list[CodeType]] = field(default_factory=dict)
    _seen: dict[int, CodeType] = field(default_factory=dict)

    def note(self, frame: FrameType, event: str, _: object) -> None:
        """The profile function: keep a code that is called for the first time."""
        code = frame.f_code
        if event != "call" or id(code) in self._seen:
            return
        # The code is kept too: the id of one that is gone could come back with another.
        self._seen[id(code)] = code
        # Only functions have this flag; names in angle brackets are those of lambdas and comprehensions.
        named = code.co_flags & CO_NEWLOCALS and not code.co_name.startswith("<")
        if named and code.co_filename.startswith(self.package):
            self.codes.setdefault(code.co_filename, []).append(code)

    def files(self) -> list[tuple[str, str, int]]:
        """Layer, name inside it, and number of functions entered of each file, in order of first entry."""
        named = []
        for path, codes in list(self.codes.items()):
            layer, _, name = path[len(self.package) :].removesuffix(".py").rpartition("/")
            layer, _, room = layer.partition("/")
            named.append((layer or "front door", f"{room}/{name}" if room else name, len(codes)))
        return named


def traced(arguments: list[str]) -> Walk:
    """The walk of this command of bmbench, whose own output goes where it always goes."""
    import bmbench
    from bmbench.cli import main

    walk = Walk(package=str(Path(bmbench.__file__).parent) + "/")
    sys.argv = ["bmbench", *arguments]
    threading.setprofile(walk.note)
    sys.setprofile(walk.note)
    try:
        main()
    except SystemExit as ended:
        if ended.code:
            raise
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    return walk


def summary(walk: Walk) -> str:
    """The three figures in one sentence."""
    files = walk.files()
    changes = sum(before[0] != after[0] for before, after in pairwise(files))
    return f"{len(files)} files, {sum(n for *_, n in files)} functions, {changes} changes of layer"


def stays(walk: Walk) -> list[str]:
    """A line for each stay in a layer, with the files entered there for the first time."""
    lines = [f"{'stay':>4}  {'layer':<13} files entered for the first time", "─" * WIDTH]
    for number, (layer, stay) in enumerate(groupby(walk.files(), key=lambda file: file[0]), start=1):
        head = f"{number:>4}  {layer:<13} "
        names = ", ".join(name for _, name, _ in stay)
        lines += textwrap.wrap(names, WIDTH, initial_indent=head, subsequent_indent=" " * len(head))
    return lines


def one_by_one(walk: Walk) -> list[str]:
    """A line for each file, with the number of its functions that were entered."""
    lines = [f"{'':>4}  {'layer':<13} {'file':<48} functions", "─" * WIDTH]
    for number, (layer, name, n_functions) in enumerate(walk.files(), start=1):
        lines.append(f"{number:>4}  {layer:<13} {name:<48} {n_functions:>9}")
    return lines


def three_walks(*, listed: bool) -> None:
    """A short run, its score, and the building of a board, each in a process of its own."""
    board = Path(__file__).resolve().parent.parent / "leaderboards" / "synthetic"
    options = ["--list"] * listed
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(board, Path(folder) / "board")
        made = Path(folder) / "runs"
        command = [sys.executable, str(Path(__file__).resolve()), *options]
        subprocess.run([*command, "run", "--method", "unet_shrink", "--out", str(made), *QUICK], check=True)
        run = next(made.iterdir())
        files = [str(run / "predictions.json"), "--truth", str(run / "truth.json")]
        subprocess.run([*command, "score", *files], check=True)
        subprocess.run([*command, "leaderboard", "build", str(Path(folder) / "board")], check=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--list", action="store_true", help="every file, with its number of functions")
    parser.add_argument("command", nargs=argparse.REMAINDER, help="a command of bmbench  [default: three]")
    options = parser.parse_args()
    if not options.command:
        three_walks(listed=options.list)
        return
    walk = traced(options.command)
    said = textwrap.shorten("bmbench " + " ".join(options.command), WIDTH, placeholder=" …")
    table = one_by_one(walk) if options.list else stays(walk)
    print("", said, summary(walk), "", *table, sep="\n")


if __name__ == "__main__":
    main()
