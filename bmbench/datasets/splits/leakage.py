"""Whether subsets share what they must not: a group, an image, or the same pixels under another name."""

from collections.abc import Mapping, Sequence

from bmbench.core.dataset import Subset
from bmbench.core.errors import BadInputError
from bmbench.core.progress import Progress
from bmbench.core.types import ImageId, Sample
from bmbench.datasets.reading.picture_copies import pixel_digest
from bmbench.datasets.splits.balanced import leaks

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


def refuse_leaks(parts: Mapping[Subset, Sequence[Sample]], digest: Mapping[ImageId, str], where: str) -> None:
    """Nothing, if no two subsets share anything; BadInputError that names what they share."""
    found = torn(parts, digest)
    if found:
        more = f"; and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
        raise BadInputError(
            f"subsets are not apart: {'; '.join(found[:_NAMED])}{more}",
            where=where,
            remedy="put what belongs together into one subset",
        )
