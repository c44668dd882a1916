"""Who works off the jobs: this process one by one, or processes side by side."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import TYPE_CHECKING, TypeAlias

from bmbench.benchmark.reproduce.work import Job, JobOutcome, failed, work
from bmbench.benchmark.workers.retries import end_with
from bmbench.core.progress import Progress, Silent

if TYPE_CHECKING:
    from multiprocessing.context import SpawnProcess

Engine: TypeAlias = "Callable[[Sequence[Job]], Iterator[JobOutcome]]"
"""Jobs → their outcomes, in any order, each as soon as it is known."""

_POLL_S = 1.0


def one_by_one(progress: Progress, announce: Callable[[Job], None]) -> Engine:
    """An engine that does each job in this process, announced before it starts."""

    def engine(jobs: Sequence[Job]) -> Iterator[JobOutcome]:
        for job in jobs:
            announce(job)
            yield work(job, progress)

    return engine


def side_by_side(n: int) -> Engine:
    """An engine that does up to `n` jobs at a time, each in a process of its own on one core.

    A process that is killed (out of memory, say) costs its own job only.
    """

    def engine(jobs: Sequence[Job]) -> Iterator[JobOutcome]:
        left, active = list(reversed(jobs)), list[_Worker]()
        try:
            while left or active:
                while left and len(active) < n:
                    active.append(_Worker.start(left.pop()))
                # Not for their ends alone: a process with a long answer does not end before it is read.
                ready = set(wait([sign for worker in active for sign in worker.signs]))
                for worker in [worker for worker in active if not ready.isdisjoint(worker.signs)]:
                    active.remove(worker)
                    yield worker.outcome()
        finally:
            for worker in active:
                worker.process.terminate()

    return engine


def work_off(jobs: Sequence[Job], engine: Engine) -> Iterator[JobOutcome]:
    """The outcome of every job; those that another process has at work are waited for.

    When that process ends without having finished a cell, the cell is taken over.
    """
    left = list(jobs)
    while left:
        taken = set()
        for outcome in engine(left):
            if outcome.state == "taken":
                taken.add(outcome.cell)
            else:
                yield outcome
        left = [job for job in left if job.cell in taken]
        while left and not any(_is_free(job) for job in left):
            time.sleep(_POLL_S)


def _is_free(job: Job) -> bool:
    with job.working() as mine:
        return mine or job.is_complete


@dataclass(frozen=True, slots=True, kw_only=True)
class _Worker:
    job: Job
    process: SpawnProcess
    answer: Connection[None, JobOutcome]

    @classmethod
    def start(cls, job: Job) -> _Worker:
        # A fresh interpreter: a forked child would inherit torch's threads in an undefined state.
        context = multiprocessing.get_context("spawn")
        here, there = context.Pipe(duplex=False)
        process = context.Process(target=_work_alone, args=(job, there, os.getpid()))
        process.start()
        there.close()
        return cls(job=job, process=process, answer=here)

    @property
    def signs(self) -> tuple[Connection[None, JobOutcome], int]:
        """What there is to be waited for: an answer, or the end."""
        return self.answer, self.process.sentinel

    def outcome(self) -> JobOutcome:
        with self.answer:
            try:
                answer = self.answer.recv()
            # Of an answer that was begun the end of the file is an OSError.
            except (EOFError, OSError):
                answer = None
        self.process.join()
        if answer is not None:
            return answer
        code = self.process.exitcode
        how = f"was killed by signal {-code}" if code is not None and code < 0 else f"ended with {code}"
        return failed(self.job, f"its process {how} (out of memory?)")


def _work_alone(job: Job, answer: Connection[JobOutcome, None], parent: int) -> None:
    os.environ["OMP_NUM_THREADS"] = "1"
    # Ctrl-C reaches every process of the terminal: the parent ends this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with(parent)
    with answer:
        answer.send(work(job, Silent()))
