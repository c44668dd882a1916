"""`bmbench leaderboard init`: a new track from a ground truth file."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast, get_args

import msgspec
from msgspec import UNSET

from bmbench.core.errors import BadInputError, UnknownNameError
from bmbench.core.files import read_bytes, refuse_file, sha256, write_bytes
from bmbench.core.types import Sample
from bmbench.datasets.formats.coco.samples import CocoFile
from bmbench.leaderboards.tracks.leaderboard_folder import Leaderboard
from bmbench.leaderboards.tracks.manifest import (
    MANIFEST_FILE,
    DataFacts,
    Family,
    ImageFacts,
    Limits,
    Manifest,
    MetricName,
    Partner,
    Rules,
    Supervision,
    TruthFacts,
    Unit,
    parse_manifest,
)
from bmbench.leaderboards.tracks.names import PAGES, is_id, require_id
from bmbench.leaderboards.tracks.raters import rater_facts, require_raters
from bmbench.metrics.protocol import Protocol

BOARD_PROTOCOLS = ("paper", "voc2007", "voc2010", "kainz")
"""Those whose other limits and Hungarian matching a board shows beside its own rule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackFacts:
    """What a new track is called and asks.

    `data_sha256` is the hash that runs on the data set state, `data_options` what they chose of one that
    bmbench knows, `data_folds` what chose each of several test sets, here one; `raters` are further ground
    truths of the same images; `outside` says that the ground truth may not lie in the repository.
    """

    name: str
    title: str
    supervision: Supervision
    data_name: str
    data_sha256: str | None = None
    data_options: Mapping[str, str] | None = None
    data_folds: tuple[str, ...] = ()
    unit: Unit | None = None
    family: Family | None = None
    independent: bool = False
    rules: Rules = field(default_factory=Rules)
    controls: tuple[str, ...] = ()
    partner: Partner | None = None
    raters: tuple[Path, ...] = ()
    citation: str = ""
    licence: str = ""
    outside: bool = False
    limits: Limits = field(default_factory=Limits)


def create_track(board: Leaderboard, truth: Path, facts: TrackFacts) -> Manifest:
    """The manifest of a new track with public ground truth; both files are written.

    Raises
    ------
    BadInputError
        If the name cannot be a folder, the track exists, the truth cannot be read or holds nothing to score,
        or the facts are none that a track can have. Nothing is written then.
    """
    from bmbench.datasets.formats.coco.samples import read_coco

    if not is_id(facts.name) or facts.name in PAGES:
        expected = f"3 to 48 of a-z, 0-9, -, and none of {', '.join(sorted(PAGES))}"
        raise BadInputError("cannot be a track's name", where=facts.name, expected=expected)
    refuse_file(board.path, expected="the folder of a leaderboard", remedy="name another one")
    folder = board.path / "tracks" / facts.name
    if folder.exists():
        remedy = "raise its version by hand"
        raise BadInputError("the track is there already", where=str(folder), remedy=remedy)
    for id_ in facts.controls:
        require_id(id_)
    if facts.partner is not None:
        board.require_track(facts.partner.track)
    manifest = _manifest(truth, read_coco(truth), facts)
    require_raters(truth, facts.raters, outside=facts.outside)
    if facts.partner is not None:
        _require_same_images(manifest, board.manifest(facts.partner.track))
    parse_manifest(_text(manifest), where=f"the new {folder / MANIFEST_FILE}")
    if not facts.outside:
        write_bytes(folder / manifest.truth.file, read_bytes(truth))
    for path, rater in zip(facts.raters, rater_facts(facts.raters), strict=True):
        write_bytes(folder / rater.file, read_bytes(path))
    write_manifest(folder, manifest)
    return manifest


def _require_same_images(track: Manifest, other: Manifest) -> None:
    """Nothing, or a BadInputError: a submission is held against itself on another track image by image."""
    mine, theirs = ({image.id for image in one.images} for one in (track, other))
    if mine != theirs:
        raise BadInputError(
            f"not the images of track {other.name!r}, which {track.name!r} is to be compared with",
            expected=f"its {len(theirs)} images",
            got=f"{len(mine)} images, {len(mine & theirs)} of them there",
            remedy="give the truth of the same images, or leave out --weaker-than",
        )


def _manifest(truth: Path, file: CocoFile, facts: TrackFacts) -> Manifest:
    return Manifest(
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
            options=UNSET if facts.data_options is None or not facts.outside else dict(facts.data_options),
            folds=facts.data_folds or UNSET,
        ),
        truth=TruthFacts(
            visibility="public",
            file="truth.json",
            sha256=sha256(truth),
            raters=rater_facts(facts.raters) or UNSET,
        ),
        categories=tuple(category.id for category in file.categories),
        images=tuple(_image(sample) for sample in file.samples),
        unit=_unit(file, facts),
        independent=facts.independent or UNSET,
        family_declared=UNSET if facts.family is None else facts.family,
        rules=facts.rules,
        limits=facts.limits,
        metrics=_metrics(truth, facts.rules),
        controls=facts.controls,
        partner=facts.partner,
    )


def _unit(file: CocoFile, facts: TrackFacts) -> Unit:
    """The unit that was asked for, or else the images' groups where there are any.

    Images of one group are no independent ones: intervals over them are too narrow.
    """
    groups, n_images = len({sample.group for sample in file.samples}), len(file.samples)
    if groups < n_images and facts.unit == "image" and not facts.independent:
        raise BadInputError(
            "the images have groups, and images of one patient or slide are not independent",
            where=facts.name,
            expected=f"the {groups} groups of the {n_images} images as units",
            got="--unit image",
            remedy="leave out --unit, or say --independent if the groups are not patients or slides",
        )
    return facts.unit or ("group" if groups < n_images else "image")


def _family(word: str | None) -> Family | None:
    """The family as a track declares it: all, teams, or ids with commas between them."""
    if word is None:
        return None
    if word == "all":
        return "all"
    return "teams" if word == "teams" else tuple(require_id(part.strip()) for part in word.split(","))


def _metrics(truth: Path, rules: Rules) -> tuple[MetricName, ...]:
    """The columns that a board by these rules can have: by boxes only where cells have them."""
    from bmbench.core.types import Role
    from bmbench.datasets.formats.coco.columns import read_ground_truth
    from bmbench.metrics.evaluation import scored_geometries

    protocol = _protocol(rules)
    if protocol.name not in BOARD_PROTOCOLS:
        raise BadInputError(
            f"boards show other limits and Hungarian matching, not had with protocol {protocol.name!r}",
            expected=", ".join(BOARD_PROTOCOLS),
        )
    objects = read_ground_truth(truth)
    if not (objects.role == Role.CELL).any():
        remedy = "annotate the cells that submissions are to find"
        raise BadInputError("no cell is annotated", where=str(truth), remedy=remedy)
    scored = scored_geometries(objects, protocol)
    every: tuple[MetricName, ...] = get_args(MetricName)
    return tuple(name for name in every if name.partition(".")[0] in scored)


def notes_on(truth: Path, manifest: Manifest) -> tuple[str, ...]:
    """What a maintainer should know of the track's rules on its ground truth."""
    from bmbench.benchmark.scoring.notes import rule_notes
    from bmbench.datasets.formats.coco.columns import read_ground_truth

    return rule_notes(read_ground_truth(truth), _protocol(manifest.rules))


def _protocol(rules: Rules) -> Protocol:
    from bmbench.metrics.protocol import resolve_protocol

    return resolve_protocol(
        rules.protocol, iou=rules.iou, radius_px=rules.radius_px, assignment=rules.assignment
    )


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write a track's manifest."""
    write_bytes(folder / MANIFEST_FILE, _text(manifest))


def _text(manifest: Manifest) -> bytes:
    return msgspec.json.format(msgspec.json.encode(manifest), indent=1) + b"\n"


def _image(sample: Sample) -> ImageFacts:
    return ImageFacts(
        id=sample.image_id, name=sample.name, width=sample.width, height=sample.height, group=sample.group
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackWishes:
    """The options of `bmbench leaderboard init`, as they were given; None or () where they were not.

    No attempts: any number.
    """

    name: str
    title: str = ""
    supervision: str | None = None
    unit: str | None = None
    family: str | None = None
    independent: bool = False
    protocol: str | None = None
    iou: float | None = None
    radius_px: float | None = None
    controls: tuple[str, ...] = ()
    weaker_than: str | None = None
    raters: tuple[Path, ...] = ()
    outside: bool = False
    attempts: int = 0
    days: int = 30


def track_facts(source: Path, wishes: TrackWishes) -> tuple[TrackFacts, Path]:
    """What a new track is, from a truth file or a finished run, and the file with its ground truth.

    A run gives its protocol and the hash of its data set; a file alone gets the rules of the study. Without
    a word about supervision, a track that is called like one of its kinds is of that kind.

    Raises
    ------
    BadInputError
        If the run did not end, or a word is none of those possible.
    """
    kinds = get_args(Supervision)
    supervision = wishes.supervision or (wishes.name if wishes.name in kinds else "precise")
    words = {"supervision": (supervision, kinds), "unit": (wishes.unit or "image", get_args(Unit))}
    for option, (word, known) in words.items():
        if word not in known:
            raise UnknownNameError(option, word, known)
    weaker_than = wishes.weaker_than
    facts = TrackFacts(
        name=wishes.name,
        title=wishes.title or f"Cell detection, {wishes.name}",
        supervision=cast("Supervision", supervision),
        data_name=source.stem,
        unit=cast("Unit | None", wishes.unit),
        family=_family(wishes.family),
        independent=wishes.independent,
        controls=wishes.controls,
        raters=wishes.raters,
        outside=wishes.outside,
        partner=None if weaker_than is None else Partner(track=weaker_than, kind="weaker"),
        limits=Limits(attempts=wishes.attempts, days=wishes.days) if wishes.attempts else Limits(),
    )
    facts, file = _facts_of_run(source, facts) if source.is_dir() else (facts, source)
    return replace(facts, rules=_rules(facts.rules, wishes)), file


def _rules(known: Rules, wishes: TrackWishes) -> Rules:
    """The rules with what was asked for; the limits of one protocol say nothing about another."""
    if wishes.protocol not in {None, known.protocol}:
        known = Rules(protocol=wishes.protocol)
    asked = {"iou": wishes.iou, "radius_px": wishes.radius_px}
    return msgspec.structs.replace(
        known, **{name: limit for name, limit in asked.items() if limit is not None}
    )


def _facts_of_run(source: Path, facts: TrackFacts) -> tuple[TrackFacts, Path]:
    """The same with what a run knows: its data set's name and hash, its rules.

    Of a data set that bmbench knows also who made it, and the options that make it again. A user's own says
    none of that and need not lie where it lay.
    """
    from bmbench.benchmark.records.options import RunOptions
    from bmbench.benchmark.records.run_folder import RunDir
    from bmbench.benchmark.records.seal import require_as_sealed
    from bmbench.datasets import DATASETS

    run = RunDir.open(source)
    config = run.config()
    require_as_sealed(run.check_seal("config.json", "truth.json"))
    protocol = config.protocol
    rules = Rules(protocol=protocol.name, iou=protocol.iou, radius_px=protocol.radius_px)
    facts = replace(facts, data_name=config.dataset, data_sha256=config.data_hash, rules=rules)
    asked = RunOptions.from_json(config.options, where=f"{source}/config.json, options").dataset
    if asked in DATASETS:
        card = DATASETS.get(asked).card
        options = config.dataset_options
        facts = replace(facts, citation=card.citation, licence=card.licence, data_options=options)
    return facts, run.truth("test")
