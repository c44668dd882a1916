"""The progress of a search."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from bmbench.core.progress import Progress


class Within:
    """The progress of one trial inside that of the search: its facts, without bars of its own."""

    def __init__(self, listener: Progress, name: str) -> None:
        self._listener, self._name = listener, name

    def track(self, items: Iterable[Any], *, description: str, total: int) -> Iterator[Any]:  # noqa: ARG002
        """The items again."""
        yield from items

    def note(self, text: str) -> None:
        """Pass the fact on with the trial's name."""
        self._listener.note(f"{self._name}: {text}")
