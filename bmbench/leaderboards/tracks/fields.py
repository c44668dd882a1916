"""The fields that tracks and cards share: checked texts and numbers, and the record that both are made of."""

from types import MappingProxyType
from typing import Annotated, TypeAlias

from msgspec import Meta, Struct

from bmbench.leaderboards.tracks.names import ID_PATTERN, MOST_CHARACTERS

DIGEST_PATTERN = "^[0-9a-f]{64}$"
LOGIN_PATTERN = "^[A-Za-z0-9._-]{1,255}$"
COMMIT_PATTERN = "^[0-9a-f]{40}$"
PARAMETER_PATTERN = "^[A-Za-z][A-Za-z0-9_.-]{0,39}$"
PREDICTIONS_PATTERN = r"^predictions-s[0-9]{1,10}\.json$"
PATTERNS = MappingProxyType(
    {
        ID_PATTERN: "an id: 3 to 48 of a-z, 0-9 and -",
        DIGEST_PATTERN: "a SHA-256: 64 of 0-9 and a-f",
        LOGIN_PATTERN: "a login on the git host: 1 to 255 of A-Z, a-z, 0-9, '.', _ and -",
        COMMIT_PATTERN: "a commit: 40 of 0-9 and a-f",
        PARAMETER_PATTERN: "a parameter's name: a letter, then up to 39 of A-Z, a-z, 0-9, '.', _ and -",
        PREDICTIONS_PATTERN: "predictions-s<seed>.json",
    }
)
"""What each pattern of the card asks for, in words: for the schema and for error texts."""


def like(pattern: str) -> Meta:
    """The rule that a text has this pattern, with its words for the schema."""
    return Meta(pattern=pattern, description=PATTERNS[pattern])


Id: TypeAlias = Annotated[str, like(ID_PATTERN)]
Name: TypeAlias = Annotated[str, Meta(min_length=1, max_length=MOST_CHARACTERS)]
Note: TypeAlias = Annotated[str, Meta(max_length=300)]
Link: TypeAlias = Annotated[str, Meta(min_length=9, max_length=200)]
Digest: TypeAlias = Annotated[str, like(DIGEST_PATTERN)]
Login: TypeAlias = Annotated[str, like(LOGIN_PATTERN)]
Share: TypeAlias = Annotated[float, Meta(ge=0, le=1)]
Positive: TypeAlias = Annotated[float, Meta(ge=0, le=1e9)]
Scalar: TypeAlias = bool | int | float | Annotated[str, Meta(max_length=80)]


class StrictRecord(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """What every part of a track or a card keeps: no unknown field, no change."""
