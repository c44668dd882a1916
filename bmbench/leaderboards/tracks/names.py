"""Which texts of strangers may be shown, and how."""

import re
import unicodedata

from bmbench.core.errors import BadInputError

MOST_CHARACTERS = 60
_SIGNS = frozenset(" -+._()")
_HOSTS = ("github.com", "gitlab.com", "arxiv.org", "doi.org", "huggingface.co", "zenodo.org")
_URL = re.compile(rf"https://({'|'.join(map(re.escape, _HOSTS))})/[A-Za-z0-9._~/-]{{1,160}}\Z")
ID_PATTERN = "^[a-z0-9][a-z0-9-]{1,46}[a-z0-9]$"
_ID = re.compile(ID_PATTERN[:-1] + r"\Z")

_RESERVED = frozenset({"con", "prn", "aux", "nul", *(f"{p}{n}" for p in ("com", "lpt") for n in range(10))})
"""Names that Windows cannot have as a folder."""


def is_id(text: object) -> bool:
    """Whether a text can be the id of a submission or track: it becomes a folder and part of a link."""
    return isinstance(text, str) and _ID.match(text) is not None and text not in _RESERVED


def require_id(text: str) -> str:
    """The text, which can be the id of a submission; a BadInputError if it cannot."""
    if not is_id(text):
        expected = "3 to 48 of a-z, 0-9 and -"
        raise BadInputError("cannot be the id of a submission", where=text, expected=expected)
    return text


def name_fault(text: str) -> str | None:
    """What keeps a text from being shown as a name; None if nothing does.

    Letters and digits of any script, space and ``- + . _ ( )``, in Unicode's composed form (NFC).
    """
    if not text or len(text) > MOST_CHARACTERS:
        return f"must have 1 to {MOST_CHARACTERS} characters"
    if text != text.strip() or "  " in text:
        return "has spaces at an end or side by side"
    if text != unicodedata.normalize("NFC", text):
        return "is not in Unicode's composed form (NFC)"
    bad = next((sign for sign in text if not _is_shown(sign)), None)
    if bad is not None:
        return f"has the character U+{ord(bad):04X}, which is not a letter, a digit or one of ' -+._()'"
    if not any(unicodedata.category(sign)[0] in "LN" for sign in text):
        return "has no letter and no digit"
    return None


def has_controls(text: str) -> bool:
    """Whether a text holds control, format (bidi, zero width), private or unassigned characters."""
    return any(unicodedata.category(sign)[0] == "C" or sign in "\u2028\u2029" for sign in text)


def is_link(text: str) -> bool:
    """Whether a text is an https link to one of the hosts that boards link to."""
    return _URL.match(text) is not None and ".." not in text


def link_hosts() -> str:
    """The hosts, for an error text."""
    return ", ".join(_HOSTS)


def _is_shown(sign: str) -> bool:
    return sign in _SIGNS or unicodedata.category(sign)[0] in "LN"
