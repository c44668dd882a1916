"""`bmbench leaderboard patches`: the pixels of a track's six patches, as JPEG files beside its manifest."""

import io
from collections.abc import Mapping
from pathlib import Path

import msgspec

from bmbench.core.errors import BadInputError
from bmbench.core.files import write_bytes
from bmbench.core.gate import read_bytes
from bmbench.core.types import Sample
from bmbench.leaderboards.results.patches import choose_patches, may_be_shown
from bmbench.leaderboards.tracks.leaderboard_folder import Leaderboard
from bmbench.leaderboards.tracks.manifest import Manifest

MOST_BYTES = 256 * 1024
_SIDE_PX, _QUALITY = 288, 80
_JPEG = b"\xff\xd8\xff"


def picture_path(board: Leaderboard, track: str, number: int) -> Path:
    """The picture of a patch, numbered from 1."""
    return board.path / "tracks" / track / "patches" / f"{number}.jpg"


def read_pictures(board: Leaderboard, track: str, n: int) -> tuple[bytes, ...]:
    """The pictures of all patches of a track; () unless every one is there.

    Raises
    ------
    BadInputError
        If one is no JPEG, or too large for a page.
    """
    paths = [picture_path(board, track, number) for number in range(1, n + 1)]
    if not paths or not all(path.is_file() for path in paths):
        return ()
    found = []
    for path in paths:
        data = read_bytes(path, within=board.path, limit=MOST_BYTES)
        if not data.startswith(_JPEG):
            raise BadInputError("is no JPEG", where=str(path), remedy="bmbench leaderboard patches")
        found.append(data)
    return tuple(found)


def cut_patches(board: Leaderboard, track: str, data: Path | None) -> tuple[Path, ...]:
    """Write the pictures of a track's patches; their paths.

    Parameters
    ----------
    data : Path or None
        The folder of the images, or of the published data set; None for an embedded one.

    Raises
    ------
    BadInputError
        If the truth of the track is not in the repository, or an image is missing or of another size.
    """
    from bmbench.datasets.formats.coco.columns import read_ground_truth

    manifest = board.manifest(track)
    if not may_be_shown(board, manifest):
        raise BadInputError(
            "its ground truth is not in the repository, so nothing of its images is shown",
            where=str(board.path / "tracks" / track),
        )
    samples = _samples(board, manifest, data)
    texts = {}
    for number, patch in enumerate(choose_patches(read_ground_truth(board.truth(manifest)), manifest), 1):
        image = manifest.images[patch.row]
        sample = samples.get(image.name)
        if sample is None or (sample.width, sample.height) != (image.width, image.height):
            got = "no such image" if sample is None else f"{sample.width} × {sample.height} px"
            expected = f"{image.width} × {image.height} px"
            raise BadInputError("not the image of the track", where=image.name, expected=expected, got=got)
        pixels = sample.load()[patch.y : patch.y + patch.size, patch.x : patch.x + patch.size]
        texts[picture_path(board, track, number)] = _jpeg(pixels)
    for path, text in texts.items():
        path.parent.mkdir(exist_ok=True)
        write_bytes(path, text)
    return tuple(texts)


def _samples(board: Leaderboard, manifest: Manifest, data: Path | None) -> Mapping[str, Sample]:
    from bmbench.core.dataset import LoadRequest
    from bmbench.datasets import DATASETS, open_dataset
    from bmbench.datasets.sets.own_files import read_own

    name, options = manifest.data.name, manifest.data.options
    if name in DATASETS:
        chosen = {} if isinstance(options, msgspec.UnsetType) else options
        split = open_dataset(name).load(LoadRequest(data=data, options=chosen))
        found = [sample for samples in split.samples.values() for sample in samples]
    else:
        found = list(read_own(str(board.truth(manifest)), data, {}).samples)
    return {sample.name: sample for sample in found}


def _jpeg(pixels: object) -> bytes:
    from PIL import Image

    picture = Image.fromarray(pixels).convert("RGB")  # type: ignore[arg-type]
    picture.thumbnail((_SIDE_PX, _SIDE_PX))
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=_QUALITY, optimize=True)
    return file.getvalue()
