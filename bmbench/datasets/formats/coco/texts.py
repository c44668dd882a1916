"""Numbers and flags of COCO files that a program wrote as texts: ``"id": "3"``, ``"iscrowd": "false"``.

Such a text means one thing only, and is read so. What may mean two (an empty text, ``"03"``, ``"1,5"``) stays
what it is, and is refused by the reading of the file.
"""

import json
import re
from collections.abc import Iterable
from typing import Any

LARGEST_BYTES = 1 << 28
_WHOLE = re.compile(r"-?(0|[1-9]\d{0,17})", re.ASCII)
_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d{1,3})?", re.ASCII)
_FLAGS = {"true": 1, "false": 0, "1": 1, "0": 0}
_FIELDS: dict[str, dict[str, re.Pattern[str] | None]] = {
    "images": {"width": _NUMBER, "height": _NUMBER},
    "categories": {"id": _WHOLE},
    "annotations": {"category_id": _WHOLE, "area": _NUMBER, "bbox": _NUMBER, "iscrowd": None, "ignore": None},
}
"""List → field → what its texts look like; None for flags."""


def without_texts(text: bytes) -> tuple[bytes, tuple[str, ...]] | None:
    """The file with numbers for such texts, and the fields that had them; None where it has none.

    None too for what is no JSON, has a key twice, or is too large to be held.
    """
    if len(text) > LARGEST_BYTES:
        return None
    try:
        value = json.loads(text, object_pairs_hook=_once)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict):
        return None
    changed: set[str] = set()
    for name, fields in _FIELDS.items():
        for record in _records(value.get(name)):
            changed |= {field for field, form in fields.items() if _mend(record, field, form)}
    changed |= _mend_image_ids(value)
    return (json.dumps(value).encode(), tuple(sorted(changed))) if changed else None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key twice")
    return found


def _records(value: Any) -> Iterable[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _mend(record: dict[str, Any], field: str, form: re.Pattern[str] | None) -> bool:
    """Put numbers for the text, or the texts, of a field; whether there was one."""
    value = record.get(field)
    if isinstance(value, list):
        numbers = [_number(one, form) for one in value]
        record[field] = numbers
        return numbers != value
    if not isinstance(value, str):
        return False
    record[field] = _number(value, form)
    return bool(record[field] != value)


def _number(value: Any, form: re.Pattern[str] | None) -> Any:
    if not isinstance(value, str):
        return value
    if form is None:
        return _FLAGS.get(value.strip().lower(), value)
    word = value.strip()
    if not form.fullmatch(word):
        return value
    return int(word) if _WHOLE.fullmatch(word) else float(word)


def _mend_image_ids(value: dict[str, Any]) -> set[str]:
    """Let annotations name images as these are called, where one side has numbers and the other texts."""
    images = _records(value.get("images"))
    known = {one["id"] for one in images if isinstance(one.get("id"), int | str)}
    changed = set()
    for record in _records(value.get("annotations")):
        named = record.get("image_id")
        if isinstance(named, bool) or not isinstance(named, int | str) or named in known:
            continue
        other = str(named) if isinstance(named, int) else _number(named, _WHOLE)
        if other in known:
            record["image_id"] = other
            changed.add("image_id")
    return changed
