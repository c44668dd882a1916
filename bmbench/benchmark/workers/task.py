"""What a worker does with a task: it reads it, does it alone in its process, says how far it is, stops."""

import pickle
import threading
import time
from collections.abc import Iterable, Iterator
from typing import Any

_SAY_S = 1.0
"""Seconds between two facts that a worker sends about its task."""
_alone = threading.Lock()
_stopped: set[str] = set()
"""Channels whose tasks shall end, in a worker process."""


def stop(channel: str) -> None:
    """End this worker's task of the channel the next time that it says something."""
    _stopped.add(channel)


def do(pickled: bytes, name: str, channel: str) -> Any:
    """The result of a task, on a worker; None if it was stopped, when nobody waits for it any more."""
    with _alone:
        try:
            function, argument = pickle.loads(pickled)
            return function(argument, _Teller(name, channel))
        # What would end a worker must not: it is somebody else's.
        except KeyboardInterrupt:
            return None


class _Teller:
    """The progress of a task on a worker: sends facts now and then, and stops when it is told to."""

    def __init__(self, name: str, channel: str) -> None:
        self._name, self._channel = name, channel
        self._said = 0.0

    def track(self, items: Iterable[Any], *, description: str, total: int) -> Iterator[Any]:
        """The items again."""
        for number, item in enumerate(items):
            self._say(f"{description} {number}/{total}")
            yield item

    def note(self, text: str) -> None:
        """Send the fact, unless another was sent just now."""
        self._say(text)

    def tell(self, text: str) -> None:
        """Send the sentence as a fact."""
        self._say(text)

    def _say(self, text: str) -> None:
        import distributed

        if self._channel in _stopped:
            raise KeyboardInterrupt
        if time.monotonic() - self._said >= _SAY_S:
            self._said = time.monotonic()
            distributed.get_worker().log_event(self._channel, {"task": self._name, "text": text})
