"""Progress on a terminal and in a run's log."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TypeVar

from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from bmbench.core.errors import RunFailedError
from bmbench.core.progress import Progress as Listener

if TYPE_CHECKING:
    from rich.console import Console

T = TypeVar("T")


class Terminal:
    """One bar a stage, with the time left; plain lines where the output is not a terminal."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bar: Progress | None = None

    def track(self, items: Iterable[T], *, description: str, total: int) -> Iterator[T]:
        """The items again, with a bar under way and one line when done."""
        started = time.monotonic()
        # Names of files stand in it: what looks like markup there is none.
        shown = escape(description)
        if self._console.is_terminal:
            yield from self._track_with_bar(items, description=shown, total=total)
        else:
            yield from items
        self._console.print(f"[green]✓[/] {shown} [dim]{time.monotonic() - started:.1f} s[/]")

    def _track_with_bar(self, items: Iterable[T], *, description: str, total: int) -> Iterator[T]:
        with _bar(self._console) as bar:
            self._bar = bar
            task = bar.add_task(description, total=total, note="")
            try:
                for item in items:
                    yield item
                    bar.advance(task)
            finally:
                self._bar = None

    def note(self, text: str) -> None:
        """Show the fact beside the bar; say nothing where no bar is up."""
        if self._bar is not None and self._bar.tasks:
            self._bar.update(self._bar.tasks[-1].id, note=escape(text))

    def tell(self, text: str) -> None:
        """A line of its own."""
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)


class Logged:
    """Another listener, with every stage and fact written to a log as well."""

    def __init__(self, listener: Listener, log: BinaryIO) -> None:
        self._listener = listener
        self._log = log

    @classmethod
    @contextmanager
    def to(cls, path: Path, listener: Listener) -> Iterator[Logged]:
        """Yield a listener that appends to the log at that path; RunFailedError if the disk refuses."""
        try:
            # Unbuffered: a line stands in the log once it is written, whatever becomes of the process.
            log = path.open("ab", buffering=0)
        except OSError as error:
            raise RunFailedError(f"{path}: cannot be written ({error.strerror})") from error
        with log:
            yield cls(listener, log)

    def track(self, items: Iterable[T], *, description: str, total: int) -> Iterator[T]:
        """The items again; the log says when they began and when they were done."""
        self._write(f"{description}: {total} to do")
        yield from self._listener.track(items, description=description, total=total)
        self._write(f"{description}: done")

    def note(self, text: str) -> None:
        """Pass the fact on and log it."""
        self._listener.note(text)
        self._write(text)

    def tell(self, text: str) -> None:
        """Pass the sentence on and log it."""
        self._listener.tell(text)
        self._write(text)

    def _write(self, text: str) -> None:
        try:
            self._log.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {text}\n".encode())
        except OSError as error:
            raise RunFailedError(f"{self._log.name}: cannot be written ({error.strerror})") from error


class Within:
    """The progress of one part of some work inside that of the whole: its facts, without bars of its own."""

    def __init__(self, listener: Listener, name: str) -> None:
        self._listener, self._name = listener, name

    def track(self, items: Iterable[T], *, description: str, total: int) -> Iterator[T]:  # noqa: ARG002
        """The items again."""
        yield from items

    def note(self, text: str) -> None:
        """Pass the fact on with the part's name."""
        self._listener.note(f"{self._name}: {text}")

    def tell(self, text: str) -> None:
        """Pass the sentence on as a fact: what the whole says of itself stands above."""
        self.note(text)


@contextmanager
def _bar(console: Console) -> Iterator[Progress]:
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        TextColumn("[dim]{task.fields[note]}"),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        yield bar
