"""Which image a name means: the folders in it decide where several images have one file name."""

import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from pathlib import PurePosixPath
from urllib.parse import unquote


def spellings(name: str) -> list[str]:
    r"""How the file may be called that another program calls so, the name itself first.

    Windows writes backslashes between folders, a web address signs as ``%20`` and a query behind ``?``, and
    macOS takes an accent for a sign of its own.

    >>> spellings("images\\a%20b.png")
    ['images\\a%20b.png', 'images/a%20b.png', 'images/a b.png']
    """
    slashed = name.replace("\\", "/")
    plain = [slashed, unquote(slashed), unquote(slashed.partition("?")[0])]
    forms = [unicodedata.normalize(form, one) for one in plain for form in ("NFC", "NFD")]
    return list(dict.fromkeys([name, slashed, *forms]))


def composed(name: str) -> str:
    """A name in which an accent belongs to its letter, as most systems write it."""
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def last_part(name: str) -> str:
    """A file's name without its folders, whichever way these are written."""
    return PurePosixPath(name.replace("\\", "/")).name


def nearest(names: Sequence[str], known: Sequence[str]) -> list[list[int]]:
    """For each name the rows of the known ones that fit it best: none, one, or several that fit as well.

    Names fit that share the file name, and the better the more folders before it they share; of two that
    share as many, the one that says nothing more.

    >>> nearest(["set/b/1.png", "1.png", "c/1.png", "2.png"], ["a/1.png", "b/1.png"])
    [[1], [0, 1], [0, 1], []]
    >>> nearest(["c/1.png"], ["a/1.png", "1.png"])
    [[1]]
    """
    namesakes = defaultdict(list)
    for row, name in enumerate(known):
        parts = _parts(name)
        namesakes[parts[-1:]].append((row, parts))
    found = []
    for name in names:
        parts = _parts(name)
        fits: dict[tuple[int, bool], list[int]] = defaultdict(list)
        for row, others in namesakes.get(parts[-1:], ()):
            shared = _shared(parts, others)
            fits[shared, shared == len(others)].append(row)
        found.append(fits[max(fits)] if fits else [])
    return found


def nested(one: str, other: str) -> bool:
    """Whether one of the names is the end of the other: ``b/1.png`` of ``a/b/1.png``, not of ``ab/1.png``."""
    a, b = _parts(one), _parts(other)
    return _shared(a, b) == min(len(a), len(b))


def _parts(name: str) -> tuple[str, ...]:
    return PurePosixPath(composed(name).replace("\\", "/")).parts


def _shared(one: Sequence[str], other: Sequence[str]) -> int:
    """How many parts at their ends are the same."""
    pairs = zip(reversed(one), reversed(other), strict=False)
    return next((n for n, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))
