"""Which texts of strangers may be shown, and how."""

import re
import unicodedata

from bmbench.core.errors import BadInputError

MOST_CHARACTERS = 60
MOST_COLUMNS = 60
LONGEST_WORD = 24
"""Columns of a terminal; a table breaks lines between words, so a longer one would push the scores away."""
_SIGNS = frozenset(" -+._()")
_HOSTS = ("github.com", "gitlab.com", "arxiv.org", "doi.org", "huggingface.co", "zenodo.org")
_URL = re.compile(rf"https://({'|'.join(map(re.escape, _HOSTS))})/[A-Za-z0-9._~/-]{{1,160}}\Z")
ID_PATTERN = "^[a-z0-9][a-z0-9-]{1,46}[a-z0-9]$"
_ID = re.compile(ID_PATTERN[:-1] + r"\Z")

_INVISIBLE = frozenset("\u115f\u1160\u3164\uffa0")
"""Letters that show nothing: Unicode's default-ignorable ones."""
_PLAIN_GREEK = frozenset("βγδθλμξπσφψωΓΔΘΛΞΠΣΦΨΩ")
"""Greek letters that no Latin one looks like: they may stand in Latin names."""
_TOGETHER = (
    frozenset({"LATIN", "CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA"}),
    frozenset({"LATIN", "CJK", "BOPOMOFO"}),
    frozenset({"LATIN", "CJK", "HANGUL"}),
)
"""Scripts that are written in one text: "highly restrictive" in Unicode's UTS 39."""
_LOOKS = str.maketrans(
    "аеорсухіјѕԁһӏвкмнтгАВЕКМНОРСТХУІЈЅԌαοιρυνκτχΑΒΕΖΗΙΚΜΝΟΡΤΥΧıøɑɡ01",
    "aeopcyxijsdhlbkmhtrabekmhopctxyijsgaoipuvktxabezhikmnoptyxioagol",
)
"""Letters and digits → the Latin letter that they are taken for (after UTS 39, the ones that names hold)."""

_RESERVED = frozenset({"con", "prn", "aux", "nul", *(f"{p}{n}" for p in ("com", "lpt") for n in range(10))})
"""Names that Windows cannot have as a folder."""
_OURS = re.compile(r"(standings|patches|oracle-jitter|dense-grid|blank|rater-\d+)\Z")
"""Files that the scorer writes beside the results: a submission of such a name would take their place."""

PAGES = frozenset({"index", "compare", "readme"})
"""Names of a board's own pages, which a track cannot have."""


def is_id(text: object) -> bool:
    """Whether a text can be the id of a submission or track: it becomes a folder and part of a link."""
    return (
        isinstance(text, str)
        and _ID.match(text) is not None
        and text not in _RESERVED
        and not _OURS.match(text)
    )


def require_id(text: str) -> str:
    """The text, which can be the id of a submission; a BadInputError if it cannot."""
    if not is_id(text):
        expected = "3 to 48 of a-z, 0-9 and -"
        raise BadInputError("cannot be the id of a submission", where=text, expected=expected)
    return text


def name_fault(text: str) -> str | None:
    """What keeps a text from being shown as a name; None if nothing does.

    Letters and digits of one script, space and ``- + . _ ( )``, in Unicode's composed form (NFC), with
    nothing that is invisible, stands for other letters, or is too wide for a table.
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
    return _look_fault(text)


def _look_fault(text: str) -> str | None:
    """What makes a name look like another one, or like none, or push a table apart."""
    odd = next((sign for sign in text if unicodedata.normalize("NFKC", sign) != sign), None)
    if odd is not None:
        return f"has the character U+{ord(odd):04X}, which stands for other letters (NFKC)"
    scripts = {_script(sign) for sign in text if unicodedata.category(sign)[0] == "L"} - {""}
    if len(scripts) > 1 and not any(scripts <= together for together in _TOGETHER):
        return f"mixes letters of several scripts ({', '.join(sorted(scripts)).lower()}), which look alike"
    if columns(text) > MOST_COLUMNS or any(columns(word) > LONGEST_WORD for word in re.split("[ -]", text)):
        return f"is wider than {MOST_COLUMNS} columns, or has a word of more than {LONGEST_WORD}"
    return None


def _script(letter: str) -> str:
    """The script of a letter, by its name in Unicode; none for Greek ones that go with any."""
    return "" if letter in _PLAIN_GREEK else unicodedata.name(letter, "?").split(" ")[0]


def columns(text: str) -> int:
    """How wide a text is on a terminal: letters of East Asia take two columns."""
    return sum(1 + (unicodedata.east_asian_width(sign) in "WF") for sign in text)


def skeleton(text: str) -> str:
    """What a name looks like: texts with one skeleton are taken for one another."""
    plain = unicodedata.normalize("NFD", unicodedata.normalize("NFKC", text).translate(_LOOKS))
    letters = (sign for sign in plain if unicodedata.category(sign)[0] in "LN")
    return "".join(letters).casefold().translate(_LOOKS).replace("rn", "m").replace("vv", "w")


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
    return sign in _SIGNS or (unicodedata.category(sign)[0] in "LN" and sign not in _INVISIBLE)
