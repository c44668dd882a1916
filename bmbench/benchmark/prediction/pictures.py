"""What the headers of plain pictures say before they are predicted: which have 16 bits or are turned."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bmbench.benchmark.prediction.options import PredictOptions
from bmbench.benchmark.records.trained_run import TrainedRun
from bmbench.core.errors import BadInputError
from bmbench.datasets.reading.images import Header
from bmbench.datasets.reading.orientation import UPRIGHT
from bmbench.datasets.slides.ome_zarr import is_store
from bmbench.datasets.slides.whole_images import common_white, header_of


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureFacts:
    """The plain pictures among the images, and what was taken for granted about them, a sentence each."""

    headers: Mapping[Path, Header]
    common: int | None
    notes: tuple[str, ...]

    def white(self, path: Path) -> int | None:
        """The value that is white in an image; None of 8 bits."""
        header = self.headers.get(path)
        return self.common if header is not None and header.deep else None


def look_at_pictures(files: Sequence[Path], trained: TrainedRun, options: PredictOptions) -> PictureFacts:
    """The headers of these pictures, slides left out; one that cannot be read is left to its own turn.

    Raises
    ------
    BadInputError
        If 16-bit images are brighter than those that the run learned from, and nobody says what is white.
    """
    headers: dict[Path, Header] = {}
    for path in files:
        with suppress(BadInputError):
            header = None if path.is_dir() and not is_store(path) else header_of(path)
            headers |= {} if header is None else {path: header}
    notes = []
    turned = [path for path, header in headers.items() if header.orientation != UPRIGHT]
    if turned:
        more = f" and {len(turned) - 1} more" if len(turned) > 1 else ""
        notes.append(
            f"{turned[0].name}{more}: turned upright, as EXIF says; programs that show pictures as they are "
            "stored (QuPath, ImageJ) need an upright copy"
        )
    deep = [path for path, header in headers.items() if header.deep]
    common = _white(deep, trained, options) if deep else None
    if common is not None and options.white is None:
        notes.append(f"16-bit images: {common:,} is white (--white VALUE says otherwise)")
    return PictureFacts(headers=headers, common=common, notes=tuple(notes))


def _white(deep: Sequence[Path], trained: TrainedRun, options: PredictOptions) -> int:
    if options.white is not None:
        return options.white
    readable = []
    for path in deep:
        with suppress(BadInputError):
            common_white([(path, None)])
            readable.append((path, None))
    needed = common_white(readable)
    if trained.white is not None and needed > trained.white:
        raise BadInputError(
            "16-bit images brighter than those that the run learned from",
            where=str(deep[0]),
            expected=f"white at {trained.white}",
            got=str(needed),
            remedy="say what is white in them: --white VALUE",
        )
    return trained.white or needed
