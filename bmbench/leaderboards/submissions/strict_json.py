"""The JSON of a submission: whatever lets one file mean two things is a problem with a code and a place."""

import json
from typing import Any

from bmbench.datasets.reading.strict_json import DEEPEST, JsonFault
from bmbench.datasets.reading.strict_json import parse as parse_text
from bmbench.leaderboards.submissions.problems import Problems, pointer, quoted

_FLAT = "see the schema: it is flat"
_REMEDIES = {
    "E203": "keep one of the two",
    "E204": "write a finite number, or leave the detection out",
    "E205": _FLAT,
}


def parse(data: bytes, problems: Problems) -> Any:
    """The value of a JSON text; None if it is none, with every fault added to `problems`."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        problems.add("E201", "", f"byte {error.start} is not UTF-8", "save the file as UTF-8")
        return None
    if text.startswith("\ufeff"):
        problems.add("E201", "", "starts with a byte order mark", "save as UTF-8 without a byte order mark")
        return None
    try:
        value, faults = parse_text(text)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        problems.add("E202", "", f"{place}: {error.msg}", "write it with a JSON library")
        return None
    except RecursionError:
        problems.add("E205", "", f"nested more than {DEEPEST} deep", _FLAT)
        return None
    for fault in faults:
        code, text = _problem(fault)
        problems.add(code, pointer(*fault.place), text, _REMEDIES[code])
    return None if faults else value


def _problem(fault: JsonFault) -> tuple[str, str]:
    """The code and the words of a fault; what the file says is quoted, since it may be anything."""
    if fault.kind == "key":
        return "E203", f"the key {quoted(fault.text)} is there twice"
    if fault.kind == "depth":
        return "E205", fault.what
    return "E204", f"{quoted(fault.text)} is no finite number of JSON"
