"""Checks of JSON values that the files of several tools need."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from bmbench.core.errors import BadInputError
from bmbench.core.gate import is_file
from bmbench.core.types import Annotations, Sample
from bmbench.datasets.formats.folder_words import IMAGE_WORDS, folders_called
from bmbench.datasets.reading.image_names import last_part, spellings
from bmbench.datasets.slides.whole_images import read_whole, size_of

LARGEST = 1e9


def numbers(value: Any, where: str, count: int | None = None) -> list[float]:
    """A list of numbers of sensible size; BadInputError, naming the place, for anything else."""
    good = isinstance(value, list) and (count is None or len(value) == count)
    if not good or not all(isinstance(v, int | float) and abs(v) < LARGEST for v in value):
        expected = "numbers" if count is None else f"{count} numbers"
        raise BadInputError("not a list of numbers", where=where, expected=expected, got=repr(value)[:40])
    return [float(v) for v in value]


def number(value: Mapping[str, Any], name: str, where: str, default: float | None = None) -> float:
    """The number of that name; BadInputError where there is none and no default."""
    found = value.get(name, default)
    if isinstance(found, bool) or not isinstance(found, int | float) or not abs(found) < LARGEST:
        raise BadInputError(f"no number {name!r}", where=where, got=repr(found)[:40])
    return float(found)


def mapping(value: Any, where: str) -> dict[str, Any]:
    """The value, if it is a JSON object; BadInputError otherwise."""
    if not isinstance(value, dict):
        raise BadInputError("not a JSON object", where=where, got=repr(value)[:40])
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagePlaces:
    """Where the images of one file for a whole set lie."""

    folder: Path
    within: Path

    @classmethod
    def beside(cls, file: Path, images: Path | None) -> "ImagePlaces":
        """The folder that was named, else ``images`` beside the file, else that of the file."""
        inside = [*folders_called(file.parent, IMAGE_WORDS), file.parent]
        return cls(folder=images or inside[0], within=images or file.parent)

    def sample(self, names: Sequence[str], size: tuple[int, int] | None) -> Sample:
        """The image of the first of these names that is there, without annotations.

        A stated `size` is taken over; else the image has to be there.
        """
        spelled = [one for name in names for one in spellings(name)]
        tried = list(dict.fromkeys([*spelled, *map(last_part, spelled)]))
        name = next((one for one in tried if one and is_file(self.folder / one)), last_part(names[-1]))
        file = self.folder / name
        width, height = size or size_of(file, within=self.within)
        if not name or min(width, height) < 1:
            raise BadInputError("image without a name or pixels", where=str(file))
        return Sample(
            image_id=name,
            name=name,
            width=width,
            height=height,
            group=name,
            annotations=Annotations.empty(),
            load=partial(read_whole, file, (width, height), within=self.within),
            file=file,
            within=self.within,
        )
