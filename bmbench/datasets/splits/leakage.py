"""Whether subsets share what they must not: a group, an image, or the same pixels under another name."""

from collections.abc import Mapping, Sequence
from typing import NoReturn

from bmbench.core.dataset import Subset
from bmbench.core.errors import BadInputError
from bmbench.core.progress import Progress
from bmbench.core.types import ImageId, Sample
from bmbench.datasets.reading.picture_copies import pixel_digest

_NAMED = 8


def digests(samples: Sequence[Sample], progress: Progress) -> dict[ImageId, str]:
    """The pixel digest of every image; turned and mirrored copies have the same."""
    seen = progress.track(samples, description="comparing pixels", total=len(samples))
    return {sample.image_id: pixel_digest(sample.load()) for sample in seen}


def torn(parts: Mapping[Subset, Sequence[Sample]], digest: Mapping[ImageId, str]) -> tuple[str, ...]:
    """One sentence for everything that lies in two subsets."""
    first: dict[str, tuple[str, Subset]] = {}
    found = []
    for subset, samples in parts.items():
        for sample in samples:
            name, other = first.setdefault(digest[sample.image_id], (sample.name, subset))
            if other != subset:
                found.append(f"{name} ({other}) and {sample.name} ({subset}) are the same picture")
    return (*(line for line in leaks(parts) if not line.startswith("image file")), *found)


def units_of(samples: Sequence[Sample], digest: Mapping[ImageId, str], *, whole_groups: bool) -> list[int]:
    """The number of each image's unit, from 0: images that share a group (or only pixels) are one."""
    owner: dict[str, int] = {}
    parent = list(range(len(samples)))

    def root(row: int) -> int:
        while parent[row] != row:
            parent[row] = parent[parent[row]]
            row = parent[row]
        return row

    for row, sample in enumerate(samples):
        keys = [f"pixels {digest[sample.image_id]}"]
        if whole_groups:
            keys.append(f"group {sample.group}")
        for key in keys:
            parent[root(row)] = root(owner.setdefault(key, row))
    numbers: dict[int, int] = {}
    return [numbers.setdefault(root(row), len(numbers)) for row in range(len(samples))]


def refuse_leaks(parts: Mapping[Subset, Sequence[Sample]], digest: Mapping[ImageId, str], where: str) -> None:
    """Nothing, if no two subsets share anything; BadInputError that names what they share."""
    found = torn(parts, digest)
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
    from bmbench.core.files import sha256
    from bmbench.core.gate import is_file

    seen: dict[tuple[str, str], Subset] = {}
    found: dict[tuple[str, str], str] = {}
    for subset, part in samples.items():
        for sample in part:
            keys = [("group", sample.group), ("image", str(sample.image_id))]
            if sample.file is not None and is_file(sample.file):
                keys.append(("image file", sha256(sample.file, within=sample.within)))
            for key in keys:
                first = seen.setdefault(key, subset)
                if first != subset:
                    name = f"of {sample.name}" if key[0] == "image file" else key[1]
                    found.setdefault(key, f"{key[0]} {name} lies in {first} and in {subset}")
    return tuple(found.values())
