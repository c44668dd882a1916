"""What is wrong with a submission: every fault has a code, a place and a remedy."""

import re
from dataclasses import asdict, dataclass, replace
from types import MappingProxyType
from typing import Any

MOST = 20
"""Kinds of problems that are listed; the rest is counted."""
_NUMBER = re.compile(r"(?<=/)\d+(?=/|$)")
"""The number of a row in a place."""

CODES = MappingProxyType(
    {
        "E101": "a file is missing",
        "E102": "a file does not belong there",
        "E103": "not a regular file",
        "E104": "a file is too large",
        "E105": "the folder and the card disagree",
        "E106": "a change outside one submission folder",
        "E107": "earlier commits bring files that are not the submission's",
        "E201": "not UTF-8 text",
        "E202": "not JSON",
        "E203": "a key is there twice",
        "E204": "a number that JSON cannot hold",
        "E205": "nested too deep",
        "E301": "a field is missing",
        "E302": "an unknown field",
        "E303": "a value of the wrong kind",
        "E304": "a text with characters that are not allowed",
        "E305": "a link that is not allowed",
        "E306": "a declaration that is not made",
        "E307": "made for another track, version or data set",
        "E308": "the digest does not fit the file",
        "E309": "names a submission that it must not name",
        "E310": "the same predictions were handed in before",
        "E311": "more attempts than the track allows",
        "E312": "learnt from what the track does not allow",
        "E313": "a team's name that is somebody else's",
        "E401": "not a predictions file",
        "E402": "an image that the track does not have",
        "E403": "an image without an answer",
        "E404": "too many detections on one image",
        "E405": "not a box",
        "E406": "a box outside its image",
        "E407": "a score outside [0, 1]",
        "E408": "an unknown category",
        "E409": "an image that is listed twice",
        "E410": "an unknown or faulty field of a detection",
    }
)
"""Every code and what it means; `docs/submissions.md` explains them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One fault: its code, the file, the JSON pointer (RFC 6901) in it, what is wrong, what to do.

    Equal faults of many rows are one, with the place of the first, and `times` says how many there are.
    `cause` is what they have in common, where that can be seen.
    """

    code: str
    file: str
    pointer: str
    text: str
    remedy: str
    times: int = 1
    cause: str = ""

    def __str__(self) -> str:
        place = f"{self.file}#{self.pointer}" if self.pointer else self.file
        more = f" (and {self.times - 1:,} more of the kind)" if self.times > 1 else ""
        cause = f"; likely cause: {self.cause}" if self.cause else ""
        return f"BMB-{self.code} {place}: {self.text}{more}; {self.remedy}{cause}"


class Problems:
    """A list of faults that stops growing at `most`, so that a hostile file cannot fill a disk with them."""

    def __init__(self, file: str = "", most: int = MOST) -> None:
        self.file = file
        self.most = most
        self.count = 0
        self._kinds: dict[tuple[str, ...], Problem] = {}

    def __len__(self) -> int:
        return self.count

    @property
    def listed(self) -> list[Problem]:
        """The faults, equal ones once, in the order in which they were found."""
        return list(self._kinds.values())

    def add(self, code: str, pointer: str, text: str, remedy: str) -> None:
        """Add a fault of the present file."""
        if code not in CODES:
            raise ValueError(f"{code} is not in the table of codes")
        self.count += 1
        kind = (code, self.file, _NUMBER.sub("#", pointer), text, remedy)
        known = self._kinds.get(kind)
        if known is not None:
            self._kinds[kind] = replace(known, times=known.times + 1)
        elif len(self._kinds) < self.most:
            self._kinds[kind] = Problem(code=code, file=self.file, pointer=pointer, text=text, remedy=remedy)

    def explain(self, code: str, cause: str) -> None:
        """Say what the faults of this code in the present file have in common."""
        for kind, known in self._kinds.items():
            if known.code == code and known.file == self.file:
                self._kinds[kind] = replace(known, cause=cause)

    def to_json(self) -> dict[str, Any]:
        """The verdict as JSON."""
        return {"problems": [asdict(problem) for problem in self.listed], "count": self.count}


def quoted(text: object, most: int = 40) -> str:
    """A stranger's text, made harmless for a log or a table: ASCII only, escaped, cut short, in quotes."""
    shown = "".join(_LOUD.get(sign, sign) for sign in ascii(str(text)[: most + 1])[1:-1])
    shown = shown.replace("::", ":\\x3a")
    return f"'{shown[:most]}...'" if len(shown) > most else f"'{shown}'"


_LOUD = {sign: f"\\x{ord(sign):02x}" for sign in "`<>|&[]"}
"""Signs that Markdown, HTML or a CI's log could take for their own."""


def pointer(*parts: str | int) -> str:
    """A JSON pointer; what a stranger named is made harmless."""
    return "".join(f"/{_part(part)}" for part in parts)


def _part(part: str | int) -> str:
    if isinstance(part, int):
        return str(part)
    return quoted(part.replace("~", "~0").replace("/", "~1"))[1:-1]
