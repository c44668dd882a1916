"""The card of a submission, `submission.json`: who, what, trained on what.

The records are the schema: `schemas/submission.schema.json` is exported from them.
"""

from typing import Annotated, Literal

from msgspec import Meta, field

from bmbench.leaderboards.tracks.fields import (
    COMMIT_PATTERN,
    PARAMETER_PATTERN,
    PREDICTIONS_PATTERN,
    Digest,
    Id,
    Link,
    Login,
    Name,
    Note,
    Positive,
    Scalar,
    Share,
    StrictRecord,
    like,
)

CARD_FILE = "submission.json"
CARD_SCHEMA = "bmbench.submission/1"
CARD_BYTES = 64 * 1024


class Question(StrictRecord, frozen=True, kw_only=True):
    """The track, its version and the hash of its data, as its `track.json` states them."""

    track: Id
    version: Annotated[int, Meta(ge=1)]
    data_sha256: Digest


class Display(StrictRecord, frozen=True, kw_only=True):
    """The names on the board."""

    method: Name
    team: Name


class MethodFacts(StrictRecord, frozen=True, kw_only=True):
    """What was run."""

    family: Name
    params: Annotated[
        dict[Annotated[str, like(PARAMETER_PATTERN)], Scalar | None],
        Meta(max_length=64),
    ] = field(default_factory=dict)
    code_url: Link | None = None
    commit: Annotated[str, like(COMMIT_PATTERN)] | None = None
    dirty: bool | None = None
    paper: Link | None = None


class Training(StrictRecord, frozen=True, kw_only=True):
    """What it learnt from."""

    annotations: Literal["precise", "weak", "both", "none"]
    artefacts: Literal["background", "foreground", "class", "ignored", "none"]
    external_data: bool
    external_note: Note | None = None


class Run(StrictRecord, frozen=True, kw_only=True):
    """One seed: its predictions file, that file's SHA-256 and the score at which predictions count."""

    seed: Annotated[int, Meta(ge=0, le=2**32)]
    predictions: Annotated[str, like(PREDICTIONS_PATTERN)]
    sha256: Digest
    threshold: Share


class Cost(StrictRecord, frozen=True, kw_only=True):
    """What it took."""

    hardware: Name
    train_hours: Positive | None = None
    ms_per_image: Positive | None = None
    parameters_millions: Positive | None = None
    peak_memory_gb: Positive | None = None


class Declarations(StrictRecord, frozen=True, kw_only=True):
    """Three statements that must be true."""

    rules_accepted: bool
    test_not_used: bool
    publication_allowed: bool


class Submission(StrictRecord, frozen=True, kw_only=True):
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
