"""The JSON Schemas of a submission's card, a track and `about.json`, as `schemas/` has them."""

import inspect
import json
from typing import Any

import msgspec

from bmbench.leaderboards.submissions.card import Submission
from bmbench.leaderboards.tracks.about import About
from bmbench.leaderboards.tracks.manifest import Manifest


def schemas() -> dict[str, bytes]:
    """The JSON Schemas of card, track and `about.json`, by file name; the same bytes everywhere."""
    return {
        f"{name}.schema.json": (
            json.dumps(_settled(msgspec.json.schema(record)), indent=1, sort_keys=True) + "\n"
        ).encode()
        for name, record in (("submission", Submission), ("track", Manifest), ("about", About))
    }


def _settled(schema: Any) -> Any:
    """A schema in which descriptions are not indented and alternatives are in order, null last."""
    if isinstance(schema, list):
        return [_settled(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    settled = {key: _settled(part) for key, part in schema.items()}
    if isinstance(text := settled.get("description"), str):
        settled["description"] = inspect.cleandoc(text)
    if "anyOf" in settled:
        settled["anyOf"].sort(key=lambda part: (part == {"type": "null"}, json.dumps(part, sort_keys=True)))
    return settled
