"""`bmbench leaderboard truth`: what a repository may not hold, made again from the published files."""

import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import msgspec

from bmbench.core.dataset import Split
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


def load_tested(dataset: str, data: Path | None, options: Mapping[str, str], folds: Sequence[str]) -> Split:
    """A split whose test images are those of all folds, in their order; without folds the data set's own.

    Raises
    ------
    BadInputError
        If the data cannot be read, or an image is tested in two folds.
    """
    from bmbench.core.dataset import LoadRequest
    from bmbench.datasets import open_dataset

    opened = open_dataset(dataset, data=data, options=options)
    chosen = [dict(options) | {name: value} for name, _, value in (fold.partition("=") for fold in folds)]
    splits = [opened.load(LoadRequest(data=data, options=one)) for one in chosen or [dict(options)]]
    tested = tuple(sample for split in splits for sample in split.samples["test"])
    twice = [name for name, n in Counter(sample.name for sample in tested).items() if n > 1]
    if twice:
        raise BadInputError(
            "an image is tested in two folds", where=f"{dataset}, {', '.join(folds)}", got=twice[0]
        )
    return replace(splits[0], samples={**splits[0].samples, "test": tested})


def _truth(manifest: Manifest, data: Path) -> bytes:
    from bmbench.datasets.formats.coco.samples import write_coco

    options, folds = manifest.data.options, manifest.data.folds
    assert not isinstance(options, msgspec.UnsetType)
    split = load_tested(
        manifest.data.name, data, options, () if isinstance(folds, msgspec.UnsetType) else folds
    )
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
