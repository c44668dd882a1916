"""How long work tells what it is doing, without knowing who listens."""

from collections.abc import Iterable, Iterator
from typing import Protocol, TypeVar

T = TypeVar("T")


class Progress(Protocol):
    """Somebody who listens: a terminal, a log, nobody."""

    def track(self, items: Iterable[T], *, description: str, total: int) -> Iterator[T]:
        """The items again, one at a time, counted against `total`."""
        ...

    def note(self, text: str) -> None:
        """A short fact about the work under way ("step 120, loss 0.21"); may be shown or dropped."""
        ...

    def tell(self, text: str) -> None:
        """A sentence that the user is to read before the work goes on; shown always."""
        ...


class Silent:
    """Nobody listens."""

    def track(self, items: Iterable[T], *, description: str, total: int) -> Iterator[T]:  # noqa: ARG002
        """The items again."""
        yield from items

    def note(self, text: str) -> None:
        """Nothing."""

    def tell(self, text: str) -> None:
        """Nothing."""
