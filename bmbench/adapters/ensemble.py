"""Several fitted detectors of one method as one: how they are made, kept and brought back.

::

    checkpoint/
      ensemble.json          how many members there are
      member-1/ … member-5/  what each one's own `save` wrote

How the members' answers become one is the method's own affair (`Method.ensemble`): maps can be averaged
before anything is cut out of them, boxes have to be clustered.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bmbench.adapters.method import Detector, Method
from bmbench.core.errors import BadInputError
from bmbench.core.files import read_json, write_json

_CARD = "ensemble.json"
_SCHEMA = "bmbench.ensemble/1"


def member_seed(seed: int, member: int) -> int:
    """The seed of member 0, 1, 2 …: the first one's is the run's own, so that one model is what it was."""
    return seed if member == 0 else int(np.random.SeedSequence([seed, member]).generate_state(1)[0])


def save_members(folder: Path, members: Sequence[Detector]) -> None:
    """Write the members of an ensemble into an existing folder, each into a folder of its own."""
    for number, member in enumerate(members, start=1):
        place = folder / f"member-{number}"
        place.mkdir()
        member.save(place)
    write_json(folder / _CARD, {"schema": _SCHEMA, "members": len(members)})


def is_ensemble(folder: Path) -> bool:
    """Whether several detectors were saved in a folder, as one."""
    return (folder / _CARD).exists()


def load_detector(method: Method, folder: Path) -> Detector:
    """The detector that was saved in a folder: one of the method's own, or an ensemble of them.

    Raises
    ------
    BadInputError
        If a file is missing, damaged, or not of this kind.
    """
    if not is_ensemble(folder):
        return method.load(folder)
    card = read_json(folder / _CARD, within=folder)
    count = card.get("members") if isinstance(card, dict) and card.get("schema") == _SCHEMA else None
    if not isinstance(count, int) or count < 1 or method.ensemble is None:
        raise BadInputError(
            f"not a saved ensemble of {method.name}", where=str(folder / _CARD), remedy="fit it again"
        )
    return method.ensemble([method.load(folder / f"member-{number}") for number in range(1, count + 1)])
