"""Whether subsets share what they must not: a group, an image, or one picture under two names."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from bmbench.core.dataset import Picture, Subset
from bmbench.core.errors import BadInputError
from bmbench.core.progress import Progress
from bmbench.core.types import ImageId, Sample
from bmbench.datasets.reading.picture_copies import alike, in_part, picture_of, pixel_keys
from bmbench.datasets.reading.picture_overlaps import MOST

_NAMED = 8
PARTS = "parts of one"


def pictures_of(samples: Sequence[Sample], progress: Progress) -> dict[ImageId, Picture]:
    """What is compared of every image."""
    seen = progress.track(samples, description="looking at the images", total=len(samples))
    closely = len(samples) <= MOST
    return {s.image_id: picture_of(s.name, s.load(), closely=closely, again=s.load) for s in seen}


def reading_once(progress: Progress) -> Callable[[Sequence[Sample]], Mapping[ImageId, Picture]]:
    """A `pictures_of` that remembers what it has seen: no image is read a second time."""
    seen: dict[ImageId, Picture] = {}

    def look(samples: Sequence[Sample]) -> Mapping[ImageId, Picture]:
        fresh = [sample for sample in samples if sample.image_id not in seen]
        seen.update(pictures_of(fresh, progress) if fresh else {})
        return {sample.image_id: seen[sample.image_id] for sample in samples}

    return look


def torn(
    parts: Mapping[Subset, Sequence[Sample]], pictures: Mapping[ImageId, Picture], *, partly: bool = True
) -> tuple[str, ...]:
    """One sentence for everything that lies in two subsets, `partly` for fields that overlap too."""
    found = [
        f"{a} ({one}) and {b} ({other}) are {what} picture"
        for a, one, b, other, what in copies_apart(parts, pictures)
        if partly or what != PARTS
    ]
    return (*(line for line in leaks(parts) if not line.startswith("image file")), *found)


def copies_apart(
    parts: Mapping[Subset, Sequence[Sample]], pictures: Mapping[ImageId, Picture]
) -> list[tuple[str, Subset, str, Subset, str]]:
    """Pairs of copies and near copies in different subsets: names, subsets, and how much they are alike."""
    placed = [(sample, subset) for subset, samples in parts.items() for sample in samples]
    seen = [pictures[sample.image_id] for sample, _ in placed]
    first: dict[bytes | str, int] = {}
    pairs = []
    for row, key in enumerate(pixel_keys(seen)):
        known = first.setdefault(key, row)
        pairs += [(known, row, "the same")] if known != row else []
    pairs += [(a, b, "nearly the same") for a, b in alike(seen)]
    pairs += [(a, b, PARTS) for a, b in in_part(seen)]
    return [
        (placed[a][0].name, placed[a][1], placed[b][0].name, placed[b][1], what)
        for a, b, what in pairs
        if placed[a][1] != placed[b][1]
    ]


def units_of(
    samples: Sequence[Sample], pictures: Mapping[ImageId, Picture], *, whole_groups: bool
) -> list[int]:
    """The number of each image's unit, from 0: those that share a group (or only a field) are one."""
    seen = [pictures[sample.image_id] for sample in samples]
    owner: dict[bytes | str, int] = {}
    parent = list(range(len(samples)))

    def root(row: int) -> int:
        while parent[row] != row:
            parent[row] = parent[parent[row]]
            row = parent[row]
        return row

    for row, (sample, of_pixels) in enumerate(zip(samples, pixel_keys(seen), strict=True)):
        keys = [of_pixels]
        if whole_groups:
            keys.append(f"group {sample.group}")
        for key in keys:
            parent[root(row)] = root(owner.setdefault(key, row))
    for a, b in (*alike(seen), *in_part(seen)):
        parent[root(a)] = root(b)
    numbers: dict[int, int] = {}
    return [numbers.setdefault(root(row), len(numbers)) for row in range(len(samples))]


def refuse_leaks(
    parts: Mapping[Subset, Sequence[Sample]], pictures: Mapping[ImageId, Picture], where: str
) -> None:
    """Nothing, if no two subsets share anything; BadInputError that names what they share."""
    found = torn(parts, pictures)
    if found:
        refuse_torn(found, where=where, remedy="put what belongs together into one subset")


def refuse_torn(found: Sequence[str], *, where: str, remedy: str) -> NoReturn:
    """A BadInputError that names the first of what two subsets share."""
    more = f"; and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    raise BadInputError(
        f"subsets are not apart: {'; '.join(found[:_NAMED])}{more}", where=where, remedy=remedy
    )


def leaks(samples: Mapping[Subset, Sequence[Sample]]) -> tuple[str, ...]:
    """One sentence for every group, image id or image file (by its bytes) that lies in two subsets."""
    seen: dict[tuple[str, str], Subset] = {}
    found: dict[tuple[str, str], str] = {}
    contents = _contents_of([sample for part in samples.values() for sample in part])
    for subset, part in samples.items():
        for sample in part:
            keys = [("group", sample.group), ("image", str(sample.image_id))]
            if sample.file in contents:
                keys.append(("image file", contents[sample.file]))
            for key in keys:
                first = seen.setdefault(key, subset)
                if first != subset:
                    name = f"of {sample.name}" if key[0] == "image file" else key[1]
                    found.setdefault(key, f"{key[0]} {name} lies in {first} and in {subset}")
    return tuple(found.values())


def _contents_of(samples: Sequence[Sample]) -> dict[Path | None, str]:
    """The SHA-256 of the files that are as long as another one: no other can have the same bytes."""
    from bmbench.core.files import sha256
    from bmbench.core.gate import is_file

    long = defaultdict(list)
    for sample in samples:
        if sample.file is not None and is_file(sample.file):
            long[sample.file.stat().st_size].append(sample)
    alike = [sample for part in long.values() if len(part) > 1 for sample in part]
    return {one.file: sha256(one.file, within=one.within) for one in alike if one.file is not None}
