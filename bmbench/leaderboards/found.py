"""`bmbench leaderboard init`: a new track from a ground truth file."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import msgspec

from bmbench.core.errors import BadInputError
from bmbench.core.files import read_bytes, sha256, write_bytes
from bmbench.leaderboards.manifest import (
    MANIFEST_FILE,
    DataFacts,
    ImageFacts,
    Manifest,
    MetricName,
    Rules,
    TruthFacts,
    Unit,
)
from bmbench.leaderboards.submissions.names import is_id

if TYPE_CHECKING:
    from pathlib import Path

    from bmbench.core.types import Sample
    from bmbench.leaderboards.folder import Leaderboard
    from bmbench.leaderboards.manifest import Partner


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackFacts:
    """What a new track is called and asks; `data_sha256` is the hash that runs on the data set state."""

    name: str
    title: str
    supervision: Literal["precise", "weak", "artefacts"]
    data_name: str
    data_sha256: str | None = None
    unit: Unit = "image"
    rules: Rules = field(default_factory=Rules)
    controls: tuple[str, ...] = ()
    partner: Partner | None = None
    citation: str = ""
    licence: str = ""


def found_track(board: Leaderboard, truth: Path, facts: TrackFacts) -> Manifest:
    """The manifest of a new track with public ground truth; both files are written.

    Raises
    ------
    BadInputError
        If the name cannot be a folder, the track exists, or the truth cannot be read.
    """
    from bmbench.datasets.codecs.coco import read_coco

    if not is_id(facts.name):
        raise BadInputError("cannot be a track's name", where=facts.name, expected="3 to 48 of a-z, 0-9, -")
    folder = board.path / "tracks" / facts.name
    if folder.exists():
        raise BadInputError(
            "the track is there already", where=str(folder), remedy="raise its version by hand"
        )
    file = read_coco(truth)
    metrics: tuple[MetricName, ...] = ("cd.f1", "bb.f1", "cd.ap", "bb.ap")
    if facts.rules.protocol == "kainz":
        metrics = ("cd.f1", "cd.ap")
    manifest = Manifest(
        schema="bmbench.track/1",
        name=facts.name,
        version=1,
        title=facts.title,
        supervision=facts.supervision,
        data=DataFacts(
            name=facts.data_name,
            sha256=facts.data_sha256 or sha256(truth),
            citation=facts.citation,
            licence=facts.licence,
        ),
        truth=TruthFacts(visibility="public", file="truth.json", sha256=sha256(truth)),
        categories=tuple(category.id for category in file.categories),
        images=tuple(_image(sample) for sample in file.samples),
        unit=facts.unit,
        rules=facts.rules,
        metrics=metrics,
        controls=facts.controls,
        partner=facts.partner,
    )
    write_bytes(folder / manifest.truth.file, read_bytes(truth))
    write_manifest(folder, manifest)
    return manifest


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write a track's manifest."""
    text = msgspec.json.format(msgspec.json.encode(manifest), indent=1)
    write_bytes(folder / MANIFEST_FILE, text + b"\n")


def _image(sample: Sample) -> ImageFacts:
    return ImageFacts(
        id=sample.image_id, name=sample.name, width=sample.width, height=sample.height, group=sample.group
    )
