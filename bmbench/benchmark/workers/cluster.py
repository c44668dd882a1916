"""Tasks worked off by many processes on this machine or others, through a Dask scheduler.

A task is a function that both sides can import and an argument that can be pickled. Each worker process has
one at a time: torch's settings and random state are those of a whole process. No more tasks are handed out
than there are workers free for them, so that none waits behind a long one while another worker is idle, and
workers that join later are used.

A worker that dies costs its own task; the scheduler hands that to another worker. Tasks must therefore be
able to go on with what an earlier attempt left on disk.
"""

from __future__ import annotations

import pickle
import queue
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from bmbench.benchmark.records.environment import describe_environment
from bmbench.benchmark.workers.checks import Looked
from bmbench.benchmark.workers.task import do, stop
from bmbench.core.errors import BadInputError, MissingExtraError
from bmbench.core.progress import Progress

if TYPE_CHECKING:
    import distributed

GPU = "GPU"
"""The name that workers give to their graphics cards: ``dask worker --resources GPU=1``."""
_RESUBMITS = 20
"""How often a task is handed out again that the scheduler gave up; each time several workers have died."""
_POLL_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One piece of work.

    Attributes
    ----------
    kind : str
        What the scheduler's dashboard shows: tasks of one kind have one colour and one row.
    name : str
        Which one of its kind; all names of one call differ.
    function : (argument, Progress) → result
        Of a module, not a closure.
    learns : bool
        Whether it trains a network: it then waits for a graphics card where the workers have some.
    """

    kind: str
    name: str
    function: Callable[[Any, Progress], Any]
    argument: Any
    learns: bool = True


class LostError(Exception):
    """The workers that had a task died again and again."""


@contextmanager
def connected(address: str, say: Callable[[str], None]) -> Iterator[Cluster]:
    """Yield the workers of ``local:N`` (they end with the block) or of a scheduler's address.

    They may still be starting: `Cluster.check` waits for the first one.

    Raises
    ------
    BadInputError
        If the address is none, nobody answers there, or anybody on the network could answer in its place.
    MissingExtraError
        If Dask is not installed.
    """
    try:
        import distributed
    except ImportError:
        raise MissingExtraError("distributed, which --cluster needs,", extra="cluster") from None
    with ExitStack() as stack:
        if address.startswith("local:"):
            from bmbench.benchmark.workers.local import started_here

            target: Any = stack.enter_context(started_here(_count(address)))
        elif "://" in address:
            _refuse_unlocked(address)
            target = address
        else:
            raise _no_address(address)
        try:
            client = stack.enter_context(distributed.Client(target, set_as_default=False))
        except (OSError, ValueError) as error:
            raise BadInputError(
                f"no Dask scheduler answers at {address}", got=str(error), remedy="start it: dask scheduler"
            ) from None
        yield Cluster(client=client, is_local=address.startswith("local:"), say=say)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cluster:
    """Workers that are connected."""

    client: distributed.Client
    is_local: bool
    say: Callable[[str], None]
    channel: str = field(default_factory=lambda: f"bmbench-{uuid4().hex}")
    looked: Looked = field(default_factory=Looked)

    def check(self, folder: Path | None) -> tuple[str, ...]:
        """What should be known about the workers, and about a folder that all of them must share.

        Waits for the first worker. Those that join later are looked at before they are counted on.

        Raises
        ------
        BadInputError
            If a worker does not see the folder, has other versions than this process, or would do several
            tasks in one process.
        """
        # Before the wait: it takes a moment itself.
        here = describe_environment()
        if not self.client.nthreads():
            if not self.is_local:
                self.say("waiting for a worker")
            self.client.wait_for_workers(1)
        self.looked.begin(folder, here)
        return self.looked.look(self.client, self.client.nthreads())

    def each(self, tasks: Sequence[Task], progress: Progress) -> Iterator[tuple[Task, Any]]:
        """Each task with its result, as soon as it is known; a lost one with a LostError.

        Where the caller ends early, for Ctrl-C or an error, the tasks under way end too.

        Raises
        ------
        BadInputError
            If a worker that has joined since `check` cannot do its share.
        """
        told = _Told(progress)
        self.client.subscribe_topic(self.channel, told.hear)
        flight = _Flight(self, list(tasks))
        try:
            shown = progress.track(flight.results(), description="Tasks of the cluster", total=len(tasks))
            for task, result in shown:
                told.forget(task.name)
                yield task, result
        except BaseException:
            self._stop(flight)
            raise
        finally:
            self.client.unsubscribe_topic(self.channel)

    def _stop(self, flight: _Flight) -> None:
        """Tell the workers to stop; those that were started here are ended by whoever started them."""
        if self.is_local:
            return
        self.client.cancel(list(flight.active))
        self.client.run(stop, self.channel, on_error="ignore")


class _Flight:
    """The tasks that are handed out."""

    def __init__(self, cluster: Cluster, left: list[Task]) -> None:
        self._cluster, self._left = cluster, left
        self._lost: dict[str, int] = {}
        self._done: queue.SimpleQueue[distributed.Future[Any]] = queue.SimpleQueue()
        self.active: dict[distributed.Future[Any], Task] = {}

    def results(self) -> Iterator[tuple[Task, Any]]:
        """Each task with its result."""
        import distributed

        while self._left or self.active:
            self._fill()
            try:
                future = self._done.get(timeout=_POLL_S)
            except queue.Empty:
                continue
            task = self.active.pop(future)
            try:
                yield task, future.result()
            except (distributed.KilledWorker, CancelledError) as error:
                if self._may_try_again(task):
                    self._left.insert(0, task)
                else:
                    yield task, LostError(f"its worker died again and again ({error})")

    def _may_try_again(self, task: Task) -> bool:
        self._lost[task.name] = self._lost.get(task.name, 0) + 1
        return self._lost[task.name] <= _RESUBMITS

    def _fill(self) -> None:
        """Hand out tasks as far as workers, and graphics cards, are free for them."""
        client = self._cluster.client
        found = client.scheduler_info(n_workers=-1)["workers"]
        threads = {name: facts["nthreads"] for name, facts in found.items()}
        for note in self._cluster.looked.look(client, threads):
            self._cluster.say(f"note: {note}")
        workers = found.values()
        cards = sum(int(worker["resources"].get(GPU, 0)) for worker in workers)
        # Without a worker one task waits at the scheduler, where those who start workers see it.
        free = max(len(workers), 1) - len(self.active)
        cards_free = cards - sum(task.learns for task in self.active.values()) if cards else free
        for task in list(self._left):
            if free <= 0:
                return
            if task.learns and cards_free <= 0:
                continue
            free, cards_free = free - 1, cards_free - task.learns
            self._left.remove(task)
            future = client.submit(
                do,
                # Read by the task, not by the worker's loop: what cannot be read would end the worker.
                pickle.dumps((task.function, task.argument)),
                task.name,
                self._cluster.channel,
                # The dashboard shows the first part; the last makes every attempt a task of its own.
                key=(task.kind, task.name, uuid4().hex),
                resources={GPU: 1} if cards and task.learns else None,
                pure=False,
            )
            self.active[future] = task
            future.add_done_callback(self._done.put)


class _Told:
    """What workers say about their tasks, for whoever listens here."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._facts: dict[str, str] = {}

    def hear(self, event: tuple[float, dict[str, str]]) -> None:
        """Take a fact and show the latest of each task."""
        fact = event[1]
        self._facts[fact["task"]] = fact["text"]
        self._progress.note("  ".join(f"{name}: {text}" for name, text in sorted(self._facts.copy().items())))

    def forget(self, name: str) -> None:
        """The task has ended."""
        self._facts.pop(name, None)


def _refuse_unlocked(address: str) -> None:
    """Nothing, or a BadInputError for a scheduler of another machine that takes orders from anybody."""
    scheme, _, place = address.partition("://")
    host = place.rpartition(":")[0].strip("[]")
    if scheme != "tls" and host not in ("localhost", "::1") and not host.startswith("127."):
        raise BadInputError(
            f"--cluster {address} has no lock: whoever reaches that scheduler can run code as you",
            expected="tls://HOST:PORT with certificates (docs/cluster.md), or an address of this machine",
            remedy=f"start it with certificates, or go through `ssh -L 8786:{host}:8786` to tcp://127.0.0.1:8786",
        )


def _count(address: str) -> int:
    text = address.removeprefix("local:")
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise _no_address(address)
    return int(text)


def _no_address(address: str) -> BadInputError:
    return BadInputError(
        f"--cluster {address!r} is no cluster", expected="local:N, or a scheduler's address (tls://HOST:8786)"
    )
