"""A track of a leaderboard, `tracks/<name>/track.json`: the versioned question that submissions answer.

Everything that can move a number stands here: the images, the truth's digest, the rules of matching, the
metrics, the unit of resampling. A change is a new version. The records are the schema.
"""

from pathlib import Path
from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import UNSET, Meta, UnsetType, field

from bmbench.core.errors import BadInputError
from bmbench.core.files import read_bytes
from bmbench.core.misfits import misfit_error
from bmbench.leaderboards.tracks.fields import Digest, Id, Link, StrictRecord

MANIFEST_FILE = "track.json"

MetricName: TypeAlias = Literal["cd.f1", "bb.f1", "cd.ap", "bb.ap"]
Supervision: TypeAlias = Literal["precise", "weak", "artefacts"]
Unit: TypeAlias = Literal["patient", "slide", "group", "image"]
"""What varies: a group of images is of one patient or slide, whichever the data set tells apart."""
Family: TypeAlias = Literal["all", "teams"] | tuple[Id, ...]
"""Whose pairs are told apart: of everybody, of the first submission of each team, or of these submissions."""


class ImageFacts(StrictRecord, frozen=True, kw_only=True):
    """One image that every submission answers; `name` is its file, `group` its patient or slide."""

    id: int | str
    name: str
    width: Annotated[int, Meta(ge=1)]
    height: Annotated[int, Meta(ge=1)]
    group: str


class DataFacts(StrictRecord, frozen=True, kw_only=True):
    """The data set: its name, its hash (as `bmbench datasets info` and every run state it), who made it.

    `options` are those of the data set. They are there where the ground truth is not: with them
    `bmbench leaderboard truth` makes it from the published files. `folds` are further options ``name=value``,
    one a test set: the images of the track are those of all of them, in this order.
    """

    name: str
    sha256: Digest
    title: str = ""
    licence: str = ""
    citation: str = ""
    options: dict[str, str] | UnsetType = UNSET
    folds: tuple[str, ...] | UnsetType = UNSET


class RaterFacts(StrictRecord, frozen=True, kw_only=True):
    """Another rater's annotations of all images of a track, beside its ground truth."""

    file: Annotated[str, Meta(pattern=r"^rater-[0-9]{1,3}\.json$")]
    sha256: Digest


class TruthFacts(StrictRecord, frozen=True, kw_only=True):
    """Where the ground truth lies, and whether anybody may read it.

    `sha256` is that of a public truth file. A hidden one is an age file; `commitment` is the SHA-256 of
    salt and truth, which are made public when the track retires. Scores against it are published with normal
    noise of standard deviation `noise`, in steps of `step` (0.001: a tenth of a point). `raters` are further
    annotations of the same images: scored as answers, they are the human line among the controls.
    """

    visibility: Literal["public", "hidden"]
    file: Annotated[str, Meta(pattern=r"^[a-z0-9_-]+\.json(\.age)?$")]
    sha256: Digest | None = None
    commitment: Digest | None = None
    step: Annotated[float, Meta(gt=0, le=0.1)] = 0.001
    noise: Annotated[float, Meta(gt=0, le=0.5)] | UnsetType = UNSET
    raters: tuple[RaterFacts, ...] | UnsetType = UNSET


class Rules(StrictRecord, frozen=True, kw_only=True):
    """A named protocol of `bmbench.metrics` and what differs from it; None: as it is."""

    protocol: str = "paper"
    iou: Annotated[float, Meta(gt=0, le=1)] | None = None
    radius_px: Annotated[float, Meta(gt=0)] | None = None
    assignment: Literal["greedy", "hungarian"] | None = None


class Limits(StrictRecord, frozen=True, kw_only=True):
    """What a submission may be; enforced before anything is parsed, except the count on one image.

    `attempts` are the answers of one login, `attempts_of_all` those of all together, within `days`; without
    `days` for ever. What an older track does not have is left out, so that its digest stays.
    """

    predictions_bytes: Annotated[int, Meta(ge=1024, le=2**30)] = 16 * 2**20
    detections_per_image: Annotated[int, Meta(ge=1)] = 2_000
    seeds: Annotated[int, Meta(ge=1, le=10)] = 10
    margin_px: Annotated[float, Meta(ge=0)] = 32.0
    attempts: Annotated[int, Meta(ge=1)] | None = None
    attempts_of_all: Annotated[int, Meta(ge=1)] | UnsetType = UNSET
    days: Annotated[int, Meta(ge=1, le=3650)] | UnsetType = UNSET


class Sweep(StrictRecord, frozen=True, kw_only=True):
    """Matching limits at which F1 is shown beside the track's own."""

    iou: tuple[float, ...] = (0.3, 0.4, 0.5, 0.6, 0.75)
    radius_shares: tuple[float, ...] = (0.25, 0.5, 1.0, 1.5)


class Partner(StrictRecord, frozen=True, kw_only=True):
    """A track that answers another question on the same images, and what is asked across the two.

    `weaker`: is the same method here at most `margin` worse than there (non-inferiority)?
    """

    track: Id
    kind: Literal["weaker"]
    margin: Annotated[float, Meta(gt=0, lt=1)] = 0.02


class Manifest(StrictRecord, frozen=True, kw_only=True):
    """The whole track.

    `metrics` are the columns of the board; the first one ranks. `unit` is what varies in intervals and tests.
    `family` is declared before there are results: its pairs alone are corrected for each other, so that what
    others hand in takes nothing from them. `independent` says that images are units although they have
    groups. `controls` are ids of submissions that stand beside the board and are not ranked.
    """

    schema: Literal["bmbench.track/1"]
    name: Id
    version: Annotated[int, Meta(ge=1)]
    title: str
    supervision: Supervision
    data: DataFacts
    truth: TruthFacts
    categories: tuple[int, ...]
    images: Annotated[tuple[ImageFacts, ...], Meta(min_length=1)]
    unit: Unit
    family_declared: Family | UnsetType = field(default=UNSET, name="family")
    independent: bool | UnsetType = UNSET
    rules: Rules = field(default_factory=Rules)
    metrics: Annotated[tuple[MetricName, ...], Meta(min_length=1)] = ("cd.f1", "bb.f1", "cd.ap", "bb.ap")
    limits: Limits = field(default_factory=Limits)
    sweep: Sweep = field(default_factory=Sweep)
    replicates: Annotated[int, Meta(ge=100, le=1_000_000)] = 10_000
    seed: Annotated[int, Meta(ge=0)] = 0
    controls: tuple[Id, ...] = ()
    partner: Partner | None = None
    rules_url: Link | None = None
    retired: bool = False

    @property
    def unit_names(self) -> tuple[str, ...]:
        """The unit of each image, in the order of `images`."""
        if self.unit == "image":
            return tuple(str(image.id) for image in self.images)
        return tuple(image.group for image in self.images)

    @property
    def family(self) -> Family:
        """Whose pairs are told apart; everybody's where the track does not say."""
        return "all" if isinstance(self.family_declared, UnsetType) else self.family_declared

    @property
    def n_units(self) -> int:
        """How many patients, slides or images there are."""
        return len(set(self.unit_names))


def read_manifest(folder: Path) -> Manifest:
    """The track in a folder `tracks/<name>`; BadInputError with the place of the first fault."""
    path = folder / MANIFEST_FILE
    manifest = parse_manifest(read_bytes(path), where=str(path))
    if manifest.name != folder.name:
        raise BadInputError(
            "the folder and the track have two names",
            where=str(path),
            expected=folder.name,
            got=manifest.name,
        )
    return manifest


def parse_manifest(data: bytes, *, where: str) -> Manifest:
    """The track that these bytes are; BadInputError with the place of the first fault."""
    try:
        manifest = msgspec.json.decode(data, type=Manifest)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        remedy = "correct it, or make the track anew"
        raise misfit_error(error, "not a track", where=where, remedy=remedy) from None
    ids = [image.id for image in manifest.images]
    if len(set(map(repr, ids))) < len(ids):
        raise BadInputError("an image is there twice", where=f"{where}, images")
    return manifest


def read_manifests(board: Path) -> tuple[Manifest, ...]:
    """Every track of a leaderboard, by name; BadInputError if the folder is none."""
    folders = sorted(path.parent for path in (board / "tracks").glob(f"*/{MANIFEST_FILE}"))
    if not folders:
        remedy = "give the folder that holds tracks/<name>/track.json, or make one: bmbench leaderboard init"
        raise BadInputError("not a leaderboard", where=str(board), remedy=remedy)
    return tuple(read_manifest(folder) for folder in folders)
