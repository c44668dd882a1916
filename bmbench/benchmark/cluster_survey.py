"""Whether workers elsewhere can work in a folder of this machine, and end with the same bytes as it would."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from bmbench.benchmark.environment import describe_environment
from bmbench.core.errors import BadInputError
from bmbench.core.files import write_text
from bmbench.core.locks import only_one

if TYPE_CHECKING:
    import distributed

_TOKEN = "token"


def survey(client: distributed.Client, folder: Path | None, here: dict[str, Any]) -> tuple[str, ...]:
    """What should be known about workers before they work in that folder; BadInputError if they cannot.

    `here` is the environment of this process. Without a folder only versions are compared.
    """
    if folder is None:
        for worker, answer in client.run(look, None, on_error="return").items():
            _refuse(worker, answer, here=here)
        return ()
    place = folder.absolute() / "locks" / f"survey-{uuid4().hex}"
    token = uuid4().hex
    write_text(place / _TOKEN, token)
    try:
        with only_one(place):
            answers = client.run(look, str(place), on_error="return")
    finally:
        (place / _TOKEN).unlink(missing_ok=True)
        place.rmdir()
    for worker, answer in answers.items():
        _refuse(worker, answer, here=here)
        _refuse_unseen(worker, answer, token=token, folder=folder)
    machines = {answer["machine"] for answer in answers.values()}
    if any(not answer["locks"] for answer in answers.values()):
        return (f"no locks between the machines that share {folder}: work on it with one command at a time",)
    return (f"{len(answers)} workers on {len(machines)} machines",) if len(machines) > 1 else ()


def look(place: str | None) -> dict[str, Any]:
    """What a worker finds in the folder `place`, which another process has locked."""
    answer: dict[str, Any] = {"machine": socket.gethostname(), "token": None, "locks": True}
    answer["versions"] = _versions(describe_environment())
    if place is not None and (token := Path(place) / _TOKEN).is_file():
        answer["token"] = token.read_text()
        answer["locks"] = _is_refused(Path(place))
    return answer


def _is_refused(place: Path) -> bool:
    with ExitStack() as stack:
        try:
            stack.enter_context(only_one(place))
        except BadInputError:
            return True
        return False


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
    wanted = _versions(here)
    for name in sorted(wanted.keys() | answer["versions"].keys()):
        if answer["versions"].get(name) != wanted.get(name):
            raise BadInputError(
                f"the worker {worker} has another version of {name}",
                expected=str(wanted.get(name)),
                got=str(answer["versions"].get(name)),
                remedy="install the same there: other versions may end with other numbers",
            )


def _versions(environment: dict[str, Any]) -> dict[str, Any]:
    commit = (environment.get("code") or {}).get("commit")
    code = {"bmbench's code": commit} if commit else {}
    return {**environment["packages"], "bmbench": environment["bmbench"], **code}
