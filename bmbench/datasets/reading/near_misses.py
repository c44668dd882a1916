"""What answers on unknown images have in common with the images there are: it is said, and never taken.

The ids of another file counted from another number, numbers written as text, names with another ending or
with a word added: each is a sentence for an error, for whoever reads it knows which of them is so.
"""

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

from bmbench.core.types import ImageId
from bmbench.datasets.reading.image_names import composed, last_part

_SHOWN = 3
_LONG = 20
"""Digits from which on a text is no number that anything is counted by."""
_SHIFTS = (1, -1)
"""Ids counted from 0 and from 1: looked for even where there is a single one."""


def shown(values: Sequence[Any], most: int = _SHOWN) -> str:
    """The first few of the values.

    >>> shown([3, 4, 5, 6])
    '3, 4, 5 …'
    """
    return ", ".join(map(repr, values[:most])) + (" …" if len(values) > most else "")


def shift_of(values: Sequence[Any], known: Sequence[Any]) -> int | None:
    """By how much all values are too high for known whole numbers; None where no one number says it.

    >>> shift_of([2, 3, 4], [1, 2, 3])
    1
    >>> shift_of([2, 3, 9], [1, 2, 3])
    """
    here, there = ({one for one in some if type(one) is int} for some in (values, known))
    if not (here and there) or len(here) < len({*values}) or len(there) < len({*known}):
        return None
    ends = {min(here) - min(there), max(here) - max(there)}
    further = ends - {0} if len(ends) == 1 and len(here) > 1 else set()
    return next((shift for shift in (*_SHIFTS, *further) if {one - shift for one in here} <= there), None)


def shift_words(shift: int, what: str) -> str:
    """The remedy that says so; `what` is to be written.

    >>> shift_words(1, "the truth's ids")
    "all fit if 1 is subtracted, as if counted from another number: write the truth's ids"
    """
    done = "subtracted" if shift > 0 else "added"
    return f"all fit if {abs(shift)} is {done}, as if counted from another number: write {what}"


def how_meant(values: Sequence[Any], ids: Sequence[ImageId], names: Sequence[str], *, owner: str) -> str:
    """What turns all values into images, with what to do; empty where nothing does.

    Parameters
    ----------
    values : sequence
        What an answer calls its images, each once, known ones too.
    ids, names : sequence
        Of the images there are.
    owner : str
        Whose ids these are, as in "the truth".
    """
    as_numbers = _numbers(values)
    of_names = _numbers([*filter(_is_number, map(_stem, names))]) or ()
    for own, known in product((values, as_numbers or ()), (ids, of_names)):
        shift = shift_of(own, known)
        if shift is not None:
            return shift_words(shift, f"{owner}'s ids, or the file names")
    if as_numbers is not None and set(as_numbers) <= set(ids):
        return f"they are texts, and {owner}'s ids whole numbers: write {as_numbers[0]} for {values[0]!r}"
    if values and {*map(str, values)} <= {*ids}:
        return f"they are whole numbers, and {owner}'s ids texts: write {str(values[0])!r} for {values[0]}"
    if {int} == {*map(type, values)} and {str} == {*map(type, ids)}:
        return f"they are whole numbers, and {owner}'s ids texts: write these, or the file names"
    return _how_named(values, names, owner)


def _numbers(values: Sequence[Any]) -> list[int] | None:
    """The values as whole numbers, where they are texts of such."""
    return [int(one) for one in values] if values and all(map(_is_number, values)) else None


def _is_number(value: Any) -> bool:
    return isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < _LONG


def _how_named(values: Sequence[Any], names: Sequence[str], owner: str) -> str:
    """The same for names of files."""
    if not values or not all(isinstance(one, str) for one in values):
        return ""
    stems = {_stem(name): name for name in names}
    own = [_stem(value) for value in values]
    if set(own) <= set(stems):
        mine, theirs = last_part(values[0]), last_part(stems[own[0]])
        return f"only the ending differs ({mine!r} for {theirs!r}): write the names as those of {owner}"
    lowered = {stem.casefold() for stem in stems}
    if {stem.casefold() for stem in own} <= lowered:
        return f"only capital letters differ: write the names as those of {owner}"
    for before, after in _added(own[0], stems):
        parts = " and ".join(
            words for words in (before and f"{before!r} before", after and f"{after!r} behind") if words
        )
        around = {f"{before}{stem}{after}" for stem in stems}
        if around.issuperset(own):
            return f"all have {parts} the name that {owner} has: leave it out"
        if all(f"{before}{one}{after}" in stems for one in own):
            return f"{owner}'s names have {parts} each of them: write them whole"
    return ""


def _added(own: str, stems: dict[str, str]) -> Iterator[tuple[str, str]]:
    """What a name has before and behind a known one, or that before and behind it; the least first."""
    found = set()
    for stem in filter(None, stems):
        long, short = (own, stem) if len(own) > len(stem) else (stem, own)
        before, inside, after = long.partition(short) if short else ("", "", "")
        if inside and (before or after):
            found.add((before, after))
    yield from sorted(found, key=lambda pair: (len(pair[0]) + len(pair[1]), pair))


def _stem(name: str) -> str:
    """A file's name without folders and ending."""
    own = composed(last_part(name))
    stem, dot, _ = own.rpartition(".")
    return stem if dot and stem else own
