"""A card checked against its records: every fault at once, not only the first."""

from __future__ import annotations

import re
import types
import typing
from typing import Any

import msgspec

from bmbench.leaderboards.submissions.card import Submission
from bmbench.leaderboards.submissions.names import has_controls, is_id, is_link, link_hosts, name_fault
from bmbench.leaderboards.submissions.problems import Problems, pointer, quoted

Place = tuple[str | int, ...]

_NAMES = (("display", "method"), ("display", "team"), ("method", "family"), ("cost", "hardware"))
_LINKS = (("method", "code_url"), ("method", "paper"))
_STEP = re.compile(r"\[(\d+|\.\.\.)\]|\.([A-Za-z_]\w*)")


def check_card(value: Any, problems: Problems) -> Submission | None:
    """The card that a JSON value is, or None with every fault added to `problems`."""
    before = len(problems)
    _check_record(value, Submission, (), problems)
    _check_texts(value, (), problems)
    if len(problems) > before:
        return None
    card = msgspec.convert(value, Submission)
    _check_facts(card, problems)
    return card if len(problems) == before else None


def _check_record(value: Any, record: type, place: Place, problems: Problems) -> None:
    if not isinstance(value, dict):
        problems.add("E303", pointer(*place), "expected an object", f"see the schema of {record.__name__}")
        return
    hints = typing.get_type_hints(record, include_extras=True)
    fields = {field.encode_name: field for field in msgspec.structs.fields(record)}
    for name in value:
        if name not in fields:
            problems.add("E302", pointer(*place, name), "is not a field of the card", "take it out")
    for name, field in fields.items():
        if name in value:
            _check_value(value[name], hints[name], (*place, name), problems)
        elif field.required:
            problems.add("E301", pointer(*place, name), "is missing", "add it")


def _check_value(value: Any, kind: Any, place: Place, problems: Problems) -> None:
    record, many = _record_of(kind)
    if record is not None and value is not None and (not many or isinstance(value, list)):
        for row, inner in enumerate(value) if many else ((None, value),):
            _check_record(inner, record, place if row is None else (*place, row), problems)
        if not many:
            return
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        if record is not None and " - at " in str(error):
            return  # the record's own fault, which was added with its place
        text, _, inside = str(error).partition(" - at ")
        inner_place = [step[0] or step[1] for step in _STEP.findall(inside.strip("`"))]
        problems.add(
            "E303", pointer(*place, *inner_place), _harmless(text), "see schemas/submission.schema.json"
        )


def _record_of(kind: Any) -> tuple[type | None, bool]:
    """The record that a type holds (plain, optional, or in a tuple), and whether there are many."""
    origin = typing.get_origin(kind)
    if origin is typing.Annotated:
        return _record_of(typing.get_args(kind)[0])
    if origin in (typing.Union, types.UnionType):
        found = (_record_of(part) for part in typing.get_args(kind))
        return next((pair for pair in found if pair[0] is not None), (None, False))
    if origin is tuple:
        return _record_of(typing.get_args(kind)[0])[0], True
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return kind, False
    return None, False


def _harmless(text: str) -> str:
    if text.startswith(("Invalid enum value", "Object contains unknown")):
        return quoted(text, most=80)[1:-1]
    return text.replace("`", "")


def _check_texts(value: Any, place: Place, problems: Problems) -> None:
    """No control character anywhere, keys included: a card is shown in terminals, tables and pages."""
    if isinstance(value, str) and has_controls(value):
        problems.add("E304", pointer(*place), "holds control or invisible characters", "take them out")
    elif isinstance(value, dict):
        for key, inner in value.items():
            _check_texts(key, (*place, key), problems)
            _check_texts(inner, (*place, key), problems)
    elif isinstance(value, list):
        for row, inner in enumerate(value):
            _check_texts(inner, (*place, row), problems)


def _check_facts(card: Submission, problems: Problems) -> None:
    """What a schema cannot say."""
    for part, name in _NAMES:
        record = getattr(card, part)
        fault = name_fault(getattr(record, name)) if record is not None else None
        if fault is not None:
            problems.add("E304", pointer(part, name), fault, "choose a plain name")
    for part, name in _LINKS:
        link = getattr(getattr(card, part), name)
        if link is not None and not is_link(link):
            remedy = f"link to {link_hosts()} with https, without query"
            problems.add("E305", pointer(part, name), "is not a link that boards carry", remedy)
    for name in card.declarations.__struct_fields__:
        if not getattr(card.declarations, name):
            problems.add("E306", pointer("declarations", name), "is false", "a submission must declare it")
    for name in ("id", "supersedes", "withdraws"):
        text = getattr(card, name)
        if text is not None and not is_id(text):
            problems.add("E303", pointer(name), "cannot be a folder", "a-z, 0-9 and -, 3 to 48 characters")
    _check_runs(card, problems)


def _check_runs(card: Submission, problems: Problems) -> None:
    if card.withdraws is None and not card.runs:
        problems.add("E301", "/runs", "holds no run", "add one run a seed")
    if card.withdraws is not None and card.runs:
        problems.add("E303", "/runs", "a withdrawal has no runs", "empty the list")
    if card.withdraws is not None and card.supersedes is not None:
        problems.add("E303", "/withdraws", "stands beside supersedes", "choose one of the two")
    seen: set[int] = set()
    for row, run in enumerate(card.runs):
        if run.seed in seen:
            problems.add("E303", pointer("runs", row, "seed"), "stands twice", "one run a seed")
        seen.add(run.seed)
        if run.predictions != f"predictions-s{run.seed}.json":
            remedy = f"call it predictions-s{run.seed}.json"
            problems.add("E303", pointer("runs", row, "predictions"), "is not named after its seed", remedy)
    if card.training.external_note is None and card.training.external_data:
        problems.add("E301", "/training/external_note", "is missing", "say which external data")
