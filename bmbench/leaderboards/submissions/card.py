"""The card of a submission, `submission.json`: who, what, trained on what.

The records are the schema: `schemas/submission.schema.json` is exported from them.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Annotated, Literal, TypeAlias

from msgspec import Meta, Struct, field

from bmbench.leaderboards.submissions.names import ID_PATTERN, MOST_CHARACTERS

CARD_FILE = "submission.json"
CARD_SCHEMA = "bmbench.submission/1"
CARD_BYTES = 64 * 1024

_DIGEST = "^[0-9a-f]{64}$"
_LOGIN = "^[A-Za-z0-9._-]{1,255}$"
_COMMIT = "^[0-9a-f]{40}$"
_PARAMETER = "^[A-Za-z][A-Za-z0-9_.-]{0,39}$"
PREDICTIONS_PATTERN = r"^predictions-s[0-9]{1,10}\.json$"
PATTERNS = MappingProxyType(
    {
        ID_PATTERN: "an id: 3 to 48 of a-z, 0-9 and -",
        _DIGEST: "a SHA-256: 64 of 0-9 and a-f",
        _LOGIN: "a login on the git host: 1 to 255 of A-Z, a-z, 0-9, '.', _ and -",
        _COMMIT: "a commit: 40 of 0-9 and a-f",
        _PARAMETER: "a parameter's name: a letter, then up to 39 of A-Z, a-z, 0-9, '.', _ and -",
        PREDICTIONS_PATTERN: "predictions-s<seed>.json",
    }
)
"""What each pattern of the card asks for, in words: for the schema and for error texts."""


def _like(pattern: str) -> Meta:
    return Meta(pattern=pattern, description=PATTERNS[pattern])


Id: TypeAlias = Annotated[str, _like(ID_PATTERN)]
Name: TypeAlias = Annotated[str, Meta(min_length=1, max_length=MOST_CHARACTERS)]
Note: TypeAlias = Annotated[str, Meta(max_length=300)]
Link: TypeAlias = Annotated[str, Meta(min_length=9, max_length=200)]
Digest: TypeAlias = Annotated[str, _like(_DIGEST)]
Login: TypeAlias = Annotated[str, _like(_LOGIN)]
Share: TypeAlias = Annotated[float, Meta(ge=0, le=1)]
Positive: TypeAlias = Annotated[float, Meta(ge=0, le=1e9)]
Scalar: TypeAlias = bool | int | float | Annotated[str, Meta(max_length=80)]


class _Record(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """What every part of the card keeps: no unknown field, no change."""


class Question(_Record, frozen=True, kw_only=True):
    """The track, its version and the hash of its data, as its `track.json` states them."""

    track: Id
    version: Annotated[int, Meta(ge=1)]
    data_sha256: Digest


class Display(_Record, frozen=True, kw_only=True):
    """The names on the board."""

    method: Name
    team: Name


class MethodFacts(_Record, frozen=True, kw_only=True):
    """What was run."""

    family: Name
    params: Annotated[
        dict[Annotated[str, _like(_PARAMETER)], Scalar | None],
        Meta(max_length=64),
    ] = field(default_factory=dict)
    code_url: Link | None = None
    commit: Annotated[str, _like(_COMMIT)] | None = None
    dirty: bool | None = None
    paper: Link | None = None


class Training(_Record, frozen=True, kw_only=True):
    """What it learnt from."""

    annotations: Literal["precise", "weak", "both", "none"]
    artefacts: Literal["background", "foreground", "class", "ignored", "none"]
    external_data: bool
    external_note: Note | None = None


class Run(_Record, frozen=True, kw_only=True):
    """One seed: its predictions file, that file's SHA-256 and the score at which predictions count."""

    seed: Annotated[int, Meta(ge=0, le=2**32)]
    predictions: Annotated[str, _like(PREDICTIONS_PATTERN)]
    sha256: Digest
    threshold: Share


class Cost(_Record, frozen=True, kw_only=True):
    """What it took."""

    hardware: Name
    train_hours: Positive | None = None
    ms_per_image: Positive | None = None
    parameters_millions: Positive | None = None
    peak_memory_gb: Positive | None = None


class Declarations(_Record, frozen=True, kw_only=True):
    """Three statements that must be true."""

    rules_accepted: bool
    test_not_used: bool
    publication_allowed: bool


class Submission(_Record, frozen=True, kw_only=True):
    """The whole card.

    `supersedes` names an earlier submission that this one takes the place of, `withdraws` one that is
    taken back (such a card has no runs). `contacts` are the logins that may do so later.
    """

    schema: Literal["bmbench.submission/1"]
    id: Id
    question: Question
    display: Display
    method: MethodFacts
    training: Training
    threshold_chosen_on: Literal["train", "validation", "optimisation", "not chosen"]
    runs: Annotated[tuple[Run, ...], Meta(max_length=10)]
    declarations: Declarations
    contacts: Annotated[tuple[Login, ...], Meta(min_length=1, max_length=10)]
    cost: Cost | None = None
    environment: Annotated[
        dict[Annotated[str, Meta(max_length=40)], Annotated[str, Meta(max_length=120)]], Meta(max_length=40)
    ] = field(default_factory=dict)
    supersedes: Id | None = None
    withdraws: Id | None = None
