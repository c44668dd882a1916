"""The trials of a search on the workers of a cluster.

They are made in rounds: the settings of all trials of a round are drawn from what the rounds before it found,
and are told in their order once all of them have ended. So the search depends on its seed and the size of a
round, and not on how many workers there are or which of them is faster. Only the command that holds the
search's folder opens Optuna's store; workers read and write the folders of their trials.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from bmbench.benchmark.records.options import RunOptions
from bmbench.benchmark.run.decodings import Judged
from bmbench.benchmark.run.plan import Plan
from bmbench.benchmark.search.trial import Ended, Looks, make_trial
from bmbench.benchmark.workers.cluster import Cluster, LostError, Task
from bmbench.benchmark.workers.retries import LIVES, attempt
from bmbench.core.errors import BadInputError, RunFailedError
from bmbench.core.files import read_json, write_json
from bmbench.core.locks import only_one
from bmbench.core.progress import Progress

_ENDED = "ended.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One trial, for whoever makes it.

    Attributes
    ----------
    run : RunOptions
        Of the search.
    data_hash : str
        Of the data that it was begun with.
    settings : mapping
        What was drawn.
    place : Path
        The trial's folder.
    decodings : int
        See `TuneOptions`.
    peers : sequence of Looks
        Of the trials of earlier rounds that it is compared with.
    """

    run: RunOptions
    data_hash: str
    settings: Mapping[str, Any]
    place: Path
    decodings: int
    peers: Sequence[Looks]


def make_together(cluster: Cluster, orders: Sequence[Order], progress: Progress) -> list[Ended]:
    """What became of each trial, in their order.

    Raises
    ------
    RunFailedError
        If the workers of one died again and again before it began.
    """
    method = orders[0].run.method
    tasks = [Task(kind=method, name=one.place.name, function=make_there, argument=one) for one in orders]
    found: dict[str, Ended] = {}
    for task, result in cluster.each(tasks, progress):
        if isinstance(result, LostError):
            raise RunFailedError(f"trial {task.name}: {result}")
        found[task.name] = result
    return [found[task.name] for task in tasks]


def make_there(order: Order, progress: Progress) -> Ended:
    """Make a trial on a worker, go on with it where it stood, or read what an earlier attempt ended with."""
    order.place.mkdir(parents=True, exist_ok=True)
    state = order.place / "unfinished"
    # A worker that the scheduler gave up may live on, and still work in the folder.
    with only_one(order.place, wait_s=math.inf):
        ended = state / _ENDED
        if ended.is_file() and (earlier := _read(ended, order)) is not None:
            return earlier
        with attempt(order.place / "attempts.json", state) as deaths:
            if deaths >= LIVES:
                result = Ended(why=f"{deaths} workers died at the same point of it (out of memory?)")
            else:
                result = _make(order, state, progress)
        write_json(ended, {"settings": dict(order.settings), "ended": asdict(result)})
    return result


def _make(order: Order, state: Path, progress: Progress) -> Ended:
    plan = _plan(json.dumps(order.run.to_json()))
    if plan.data_hash != order.data_hash:
        raise BadInputError("the data are not those of the search", where=plan.dataset.card.name)
    return make_trial(
        plan,
        order.settings,
        place=order.place,
        state=state,
        n_decodings=order.decodings,
        peers=order.peers,
        look=lambda step, loss: None,  # noqa: ARG005
        progress=progress,
    )


@lru_cache(maxsize=1)
def _plan(options: str) -> Plan:
    """The search's plan; a worker that makes several trials reads the images once."""
    from bmbench.benchmark.run.plan import resolve
    from bmbench.core.progress import Silent

    return resolve(RunOptions.from_json(json.loads(options), where="the search"), Silent())


def _read(path: Path, order: Order) -> Ended | None:
    """What an attempt with the same settings ended with."""
    record = read_json(path)
    if record["settings"] != json.loads(json.dumps(dict(order.settings))):
        return None
    value = record["ended"]
    judged = None if value["judged"] is None else Judged(**value["judged"])
    return Ended(judged=judged, why=value["why"], looks=tuple((step, loss) for step, loss in value["looks"]))
