"""Further raters of a track: their files beside the ground truth."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from msgspec import UnsetType

from bmbench.core.errors import BadInputError
from bmbench.core.files import sha256
from bmbench.leaderboards.tracks.manifest import Manifest, RaterFacts
from bmbench.metrics.protocol import PROTOCOLS
from bmbench.present.words import many


def raters_of(manifest: Manifest) -> tuple[RaterFacts, ...]:
    """The further raters of a track; () where it has none."""
    raters = manifest.truth.raters
    return () if isinstance(raters, UnsetType) else raters


def rater_facts(raters: Sequence[Path]) -> tuple[RaterFacts, ...]:
    """What a manifest says of these files; the rater of the ground truth is the first."""
    return tuple(
        RaterFacts(file=f"rater-{number}.json", sha256=sha256(path))
        for number, path in enumerate(raters, start=2)
    )


def require_raters(truth: Path, raters: Sequence[Path], *, outside: bool) -> None:
    """Nothing, or a BadInputError if a rater has not seen all images or may not lie beside the truth."""
    if raters and outside:
        raise BadInputError(
            "raters of a ground truth outside of the repository",
            expected="one inside",
            remedy="leave --outside or --rater out",
        )
    if not raters:
        return
    from bmbench.benchmark.scoring.rater_files import read_raters
    from bmbench.datasets.formats.coco.columns import read_ground_truth

    first = read_ground_truth(truth)
    for rater in read_raters(first, truth, raters, protocol=PROTOCOLS["paper"], declared=None)[1:]:
        if not rater.has.all():
            raise BadInputError(
                "a rater who has not seen all images of the track",
                where=rater.name,
                expected=many(len(rater.has), "image"),
                got=many(int(rater.has.sum()), "image"),
            )
