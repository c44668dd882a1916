"""Whether workers elsewhere can work in a folder of this machine, and end with the same bytes as it would."""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from bmbench.benchmark.records.environment import describe_environment, versions_of
from bmbench.core.errors import BadInputError
from bmbench.core.files import write_text
from bmbench.core.locks import if_free, only_one

if TYPE_CHECKING:
    import distributed

_TOKEN = "token"


class Looked:
    """What workers are looked at for, and which of them have been."""

    def __init__(self) -> None:
        self.folder: Path | None = None
        self.here: dict[str, Any] | None = None
        self.workers: set[str] = set()

    def begin(self, folder: Path | None, here: dict[str, Any]) -> None:
        """Look at every worker (again), for that folder and the environment `here`."""
        self.folder, self.here = folder, here
        self.workers.clear()

    def look(self, client: distributed.Client, threads: Mapping[str, int]) -> tuple[str, ...]:
        """What should be known about those workers that are new, by their numbers of threads.

        Nothing before `begin`. Raises BadInputError for one that cannot do its share.
        """
        new = sorted(threads.keys() - self.workers)
        if self.here is None or not new:
            return ()
        for worker in new:
            if threads[worker] != 1:
                raise BadInputError(
                    f"the worker {worker} would do {threads[worker]} runs in one process",
                    remedy="start it with --nthreads 1, and with OMP_NUM_THREADS for the cores of a run",
                )
        asked, notes = survey(client, self.folder, self.here, new)
        self.workers |= asked
        return notes


def survey(
    client: distributed.Client, folder: Path | None, here: dict[str, Any], workers: Sequence[str]
) -> tuple[set[str], tuple[str, ...]]:
    """Those of the workers that answer, and what should be known before they work in that folder.

    `here` is the environment of this process. Without a folder only versions are compared. Raises
    BadInputError if one cannot work there; one that has just died is none.
    """
    if folder is None:
        answers = _asked(client, None, workers)
        for worker, answer in answers.items():
            _refuse(worker, answer, here=here)
        return set(answers), ()
    place = folder.absolute() / "locks" / f"survey-{uuid4().hex}"
    token = uuid4().hex
    write_text(place / _TOKEN, token)
    try:
        with only_one(place):
            answers = _asked(client, str(place), workers)
    finally:
        (place / _TOKEN).unlink(missing_ok=True)
        place.rmdir()
    for worker, answer in answers.items():
        _refuse(worker, answer, here=here)
        _refuse_unseen(worker, answer, token=token, folder=folder)
    return set(answers), _notes(folder, answers)


def _asked(client: distributed.Client, place: str | None, workers: Sequence[str]) -> dict[str, Any]:
    """What each worker that can be reached finds: an answer, or its error."""
    answers = client.run(look, place, workers=list(workers), on_error="return")
    # Dask's own errors of the connection have no number; those of a worker's disk have one.
    return {
        worker: answer
        for worker, answer in answers.items()
        if not (isinstance(answer, OSError) and answer.errno is None)
    }


def _notes(folder: Path, answers: Mapping[str, Any]) -> tuple[str, ...]:
    machines = {answer["machine"] for answer in answers.values()}
    if any(not answer["locks"] for answer in answers.values()):
        return (f"no locks between the machines that share {folder}: work on it with one command at a time",)
    return (f"{len(answers)} workers on {len(machines)} machines",) if len(machines) > 1 else ()


def look(place: str | None) -> dict[str, Any]:
    """What a worker finds in the folder `place`, which another process has locked."""
    answer: dict[str, Any] = {"machine": socket.gethostname(), "token": None, "locks": True}
    answer["versions"] = versions_of(describe_environment())
    if place is not None and (token := Path(place) / _TOKEN).is_file():
        answer["token"] = token.read_text()
        answer["locks"] = _is_refused(Path(place))
    return answer


def _is_refused(place: Path) -> bool:
    with if_free(place) as free:
        return not free


def _refuse_unseen(worker: str, answer: dict[str, Any], *, token: str, folder: Path) -> None:
    if answer["token"] != token:
        raise BadInputError(
            f"is not seen by the worker {worker} on {answer['machine']}",
            where=str(folder),
            remedy="choose an --out on a disk that all machines share, under the same path, or --publish",
        )


def _refuse(worker: str, answer: Any, *, here: dict[str, Any]) -> None:
    if isinstance(answer, BaseException):
        raise BadInputError(
            f"the worker {worker} cannot use bmbench",
            got=str(answer),
            remedy="install the same version there",
        )
    wanted = versions_of(here)
    for name in sorted(wanted.keys() | answer["versions"].keys()):
        if answer["versions"].get(name) != wanted.get(name):
            raise BadInputError(
                f"the worker {worker} has another version of {name}",
                expected=str(wanted.get(name)),
                got=str(answer["versions"].get(name)),
                remedy="install the same there: other versions may end with other numbers",
            )
