"""Who keeps a board and where things are: `about.json` at the top of its repository.

Links and feeds are made from it; it moves no number. Without it a board has no links
outwards, and its feed no full addresses.
"""

from pathlib import Path
from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta, field

from bmbench.core.gate import read_bytes
from bmbench.core.misfits import misfit_error
from bmbench.leaderboards.tracks.fields import StrictRecord

ABOUT_FILE = "about.json"
Address: TypeAlias = Annotated[
    str,
    Meta(pattern=r"^https://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~/%+#?=&@-]{0,200})?$", max_length=260),
]
Line: TypeAlias = Annotated[str, Meta(min_length=1, max_length=160, pattern=r"^[^\x00-\x1f\x7f]*$")]
HubDataset: TypeAlias = Annotated[str, Meta(pattern=r"^[A-Za-z0-9._-]{1,96}/[A-Za-z0-9._-]{1,96}$")]


class About(StrictRecord, frozen=True, kw_only=True):
    """The whole file.

    `address` is where `boards/site/` is published, `data` and `hub_datasets` are by the name of the data set:
    a page where it is to be had, and the data set on the Hugging Face Hub that keeps a leaderboard of it.
    """

    schema: Literal["bmbench.about/1"]
    title: Line = "Leaderboards of cell detection in bone marrow"
    keepers: tuple[Line, ...] = ()
    licence: Line | None = None
    licence_url: Address | None = None
    address: Address | None = None
    repository: Address | None = None
    rules: Address | None = None
    submit: Address | None = None
    code: Address | None = None
    data: dict[Line, Address] = field(default_factory=dict)
    hub_datasets: dict[Line, HubDataset] = field(default_factory=dict)


def read_about(board: Path) -> About:
    """What a board says of itself; an empty one where it says nothing.

    Raises
    ------
    BadInputError
        With the place of the first fault.
    """
    path = board / ABOUT_FILE
    if not path.is_file():
        return About(schema="bmbench.about/1")
    try:
        return msgspec.json.decode(read_bytes(path), type=About)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        remedy = "correct it: docs/leaderboards.md"
        raise misfit_error(error, "does not say what a board is about", where=path, remedy=remedy) from None
