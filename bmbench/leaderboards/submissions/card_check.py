"""A card checked against its records: every fault at once, not only the first."""

import re
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import msgspec

from bmbench.core.misfits import plain_words, raw_misfit
from bmbench.leaderboards.submissions.card import (
    Declarations,
    Run,
    Submission,
    Training,
)
from bmbench.leaderboards.submissions.problems import Problems, pointer, quoted
from bmbench.leaderboards.tracks.fields import PATTERNS
from bmbench.leaderboards.tracks.names import has_controls, is_id, is_link, link_hosts, name_fault

Place = tuple[str | int, ...]

_NAMES = (("display", "method"), ("display", "team"), ("method", "family"), ("cost", "hardware"))
_LINKS = (("method", "code_url"), ("method", "paper"))
_STEP = re.compile(r"\[(\d+|\.\.\.)\]|\.([A-Za-z_]\w*)")


Check: TypeAlias = tuple[tuple[str, ...], Callable[..., None]]
"""Fields of the card, and what is asked of them: a function of their values and of what goes with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A card that was looked at.

    `parts` are the fields that could be read, by name; `card` is the whole, None if anything is wrong.
    """

    card: Submission | None
    parts: Mapping[str, Any]


def check_card(value: Any, problems: Problems) -> Checked:
    """What a JSON value is as a card, with every fault added to `problems`.

    A field that cannot be read keeps none of the others from being looked at.
    """
    before = len(problems)
    _check_record(value, Submission, (), problems)
    _check_texts(value, (), problems)
    parts = _readable(value)
    look_at(parts, _FACTS, problems)
    card = msgspec.convert(value, Submission) if len(problems) == before else None
    return Checked(card=card, parts=parts)


def look_at(parts: Mapping[str, Any], checks: Sequence[Check], *context: Any) -> None:
    """Make every check whose fields could be read."""
    for names, check in checks:
        if parts.keys() >= set(names):
            check(*(parts[name] for name in names), *context)


def _readable(value: Any) -> dict[str, Any]:
    """The fields of a card that are what they should be, each by itself; None where one may be left out."""
    hints = typing.get_type_hints(Submission, include_extras=True)
    parts: dict[str, Any] = {}
    for one in msgspec.structs.fields(Submission) if isinstance(value, dict) else ():
        if one.encode_name in value:
            try:
                parts[one.encode_name] = msgspec.convert(value[one.encode_name], hints[one.encode_name])
            except (msgspec.ValidationError, UnicodeEncodeError):
                continue
        elif not one.required:
            parts[one.encode_name] = None
    return parts


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
    except (msgspec.ValidationError, UnicodeEncodeError) as error:
        text, inside = raw_misfit(error)
        if record is not None and inside:
            return  # the record's own fault, which was added with its place
        inner_place = [step[0] or step[1] for step in _STEP.findall(inside)]
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
    if "matching regex" in text:
        words = next((words for pattern, words in PATTERNS.items() if pattern in text), None)
        if words is not None:
            return f"expected {words}"
    if text.startswith(("Invalid enum value", "Object contains unknown")):
        return quoted(plain_words(text), most=80)[1:-1]
    return plain_words(text).replace("`", "")


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


def _check_name(part: str, name: str, record: Any, problems: Problems) -> None:
    fault = name_fault(getattr(record, name)) if record is not None else None
    if fault is not None:
        problems.add("E304", pointer(part, name), fault, "choose a plain name")


def _check_link(part: str, name: str, record: Any, problems: Problems) -> None:
    link = getattr(record, name)
    if link is not None and not is_link(link):
        remedy = f"link to {link_hosts()} with https, without query"
        problems.add("E305", pointer(part, name), "is not a link that boards carry", remedy)


def _check_declarations(declarations: Declarations, problems: Problems) -> None:
    for name in declarations.__struct_fields__:
        if not getattr(declarations, name):
            problems.add("E306", pointer("declarations", name), "is false", _DECLARE)


_DECLARE = "declare it if it is so: bmbench submit … --declare"


def _check_id(name: str, text: str | None, problems: Problems) -> None:
    if text is not None and not is_id(text):
        problems.add("E303", pointer(name), "cannot be a folder", "a-z, 0-9 and -, 3 to 48 characters")


def _check_withdrawal(runs: Sequence[Run], withdraws: str | None, problems: Problems) -> None:
    if withdraws is None and not runs:
        problems.add("E301", "/runs", "holds no run", "add one run a seed")
    if withdraws is not None and runs:
        problems.add("E303", "/runs", "a withdrawal has no runs", "empty the list")


def _check_one_of_two(withdraws: str | None, supersedes: str | None, problems: Problems) -> None:
    if withdraws is not None and supersedes is not None:
        problems.add("E303", "/withdraws", "stands beside supersedes", "choose one of the two")


def _check_runs(runs: Sequence[Run], problems: Problems) -> None:
    seen: set[int] = set()
    for row, run in enumerate(runs):
        if run.seed in seen:
            problems.add("E303", pointer("runs", row, "seed"), "is there twice", "one run a seed")
        seen.add(run.seed)
        if run.predictions != f"predictions-s{run.seed}.json":
            remedy = f"call it predictions-s{run.seed}.json"
            problems.add("E303", pointer("runs", row, "predictions"), "is not named after its seed", remedy)


def _check_note(training: Training, problems: Problems) -> None:
    if training.external_note is None and training.external_data:
        problems.add("E301", "/training/external_note", "is missing", "say which external data")


_FACTS: tuple[Check, ...] = (
    *(((part,), partial(_check_name, part, name)) for part, name in _NAMES),
    *(((part,), partial(_check_link, part, name)) for part, name in _LINKS),
    (("declarations",), _check_declarations),
    *(((name,), partial(_check_id, name)) for name in ("id", "supersedes", "withdraws")),
    (("runs", "withdraws"), _check_withdrawal),
    (("withdraws", "supersedes"), _check_one_of_two),
    (("runs",), _check_runs),
    (("training",), _check_note),
)
"""What a schema cannot say."""
