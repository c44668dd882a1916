"""`bmbench leaderboard truth`: what a repository may not hold, made again from the published files."""

import tempfile
from pathlib import Path

import msgspec

from bmbench.core.errors import BadInputError
from bmbench.core.files import read_bytes, write_bytes
from bmbench.leaderboards.results.record import digest
from bmbench.leaderboards.tracks.leaderboard_folder import Leaderboard
from bmbench.leaderboards.tracks.manifest import Manifest


def make_truths(board: Leaderboard, data: Path, out: Path) -> tuple[Path, ...]:
    """The files `out/<track>.json` of every track that says how its ground truth is made.

    They are what `Leaderboard.truths` wants. Nothing is written unless all of them are the files that the
    tracks name.

    Parameters
    ----------
    data : Path
        The folder of the published data set.

    Raises
    ------
    BadInputError
        If no track needs it, the data cannot be read, or another ground truth comes out.
    """
    outside = [
        manifest for manifest in board.manifests() if not isinstance(manifest.data.options, msgspec.UnsetType)
    ]
    if not outside:
        remedy = "`bmbench leaderboard score` and `verify` need no truth from elsewhere"
        raise BadInputError("every track holds its ground truth", where=str(board.path), remedy=remedy)
    texts = {out / f"{manifest.name}.json": _truth(manifest, data) for manifest in outside}
    for path, text in texts.items():
        write_bytes(path, text)
    return tuple(texts)


def _truth(manifest: Manifest, data: Path) -> bytes:
    from bmbench.core.dataset import LoadRequest
    from bmbench.datasets import open_dataset
    from bmbench.datasets.formats.coco.samples import write_coco

    options = manifest.data.options
    assert not isinstance(options, msgspec.UnsetType)
    split = open_dataset(manifest.data.name).load(LoadRequest(data=data, options=options))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "truth.json"
        write_coco(path, split.samples["test"], split.categories)
        text = read_bytes(path)
        if digest(text) != manifest.truth.sha256:
            # Tracks that were made before images had numbers name a truth with their own ids.
            write_coco(path, split.samples["test"], split.categories, numbered=False)
            text = read_bytes(path)
    if digest(text) != manifest.truth.sha256:
        raise BadInputError(
            f"gives another ground truth than the track {manifest.name} names",
            where=str(data),
            expected=f"{(manifest.truth.sha256 or '')[:12]}…",
            got=f"{digest(text)[:12]}…",
            remedy="take the files that the track was made from, all of them",
        )
    return text
