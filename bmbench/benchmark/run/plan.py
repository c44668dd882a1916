"""A run, resolved: names to records, and every image read once."""

import dataclasses
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from bmbench.adapters.images.appearance import Appearance, appearance, spread
from bmbench.adapters.method import Method, require_installed
from bmbench.benchmark.models.start import Start, read_start, require_same_classes
from bmbench.benchmark.protocol.classes import (
    as_taught,
    cell_classes,
    label_classes,
    require_classes,
    tell_apart,
)
from bmbench.benchmark.protocol.image_scale import largest_cell, mean_cell, pixel_size, uncropped, white
from bmbench.benchmark.protocol.learned_from import (
    Learned,
    annotated_part,
    caution,
    learned_from,
    run_line,
)
from bmbench.benchmark.protocol.supervision import Supervision, require_artefact_mode, supervise
from bmbench.benchmark.protocol.tracks import Profile, Track, get_profile, get_track
from bmbench.benchmark.records.loggers import require_loggers
from bmbench.benchmark.records.options import RunOptions, resolve_settings
from bmbench.benchmark.records.plugins import plugin_facts
from bmbench.benchmark.records.run_records import RUN_SCHEMA, SPLIT_SCHEMA
from bmbench.benchmark.run.other_sets import OtherImages
from bmbench.core.dataset import Dataset, LoadRequest, Picture, Split, Subset
from bmbench.core.errors import BadInputError
from bmbench.core.progress import Progress
from bmbench.core.types import Category, ImageId, Pixels, Sample
from bmbench.datasets import DATASETS
from bmbench.datasets.splits.leakage import refuse_torn, torn
from bmbench.metrics.protocol import PROTOCOLS, Protocol

_NOTES = 6
"""Sentences about the data set that a run prints before it begins."""
_LEAK_REMEDY = (
    "split it anew (bmbench datasets split), state the groups (--groups, --group-from), "
    "or take it as it is with --allow-leaks"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A run, resolved: every name is a record and every image has been read once."""

    options: RunOptions
    method: Method
    settings: Any
    dataset: Dataset
    request: LoadRequest
    split: Split
    data_hash: str
    appearance: Appearance
    track: Track
    profile: Profile
    protocol: Protocol
    supervision: Supervision
    leaks: tuple[str, ...] = ()
    elsewhere: tuple[OtherImages, ...] = ()
    start: Start | None = None

    @property
    def classes(self) -> tuple[Category, ...]:
        """The classes of cells that the method is taught; () where it is taught none."""
        return cell_classes(self.split, self.options.classes)

    @property
    def label_classes(self) -> tuple[Category, ...]:
        """What the labels of the detector mean."""
        return label_classes(self.split, self.options.classes)

    @property
    def learned(self) -> Learned:
        """What the training images teach."""
        return learned_from(self.split.samples["train"], self.supervision)

    @property
    def statements(self) -> tuple[str, ...]:
        """What the run says of itself before it begins."""
        leaks = f"subsets are not apart, as was allowed: {_few(self.leaks)}" if self.leaks else ""
        own = () if self.options.dataset in DATASETS else self.split.faults
        begins = f"begins with the weights of {self.start.place}" if self.start is not None else ""
        patches = uncropped(self.split.samples["train"], self.settings)
        said = (run_line(self.learned, self.split), begins, caution(self.split), leaks, patches)
        return (*filter(None, said), *(f"note: {line}" for line in own[:_NOTES]))

    def taught(self, samples: Sequence[Sample]) -> tuple[Sample, ...]:
        """The samples as the method may see them, their labels in the classes that it is taught."""
        seen = self.supervision.view(samples)
        return as_taught(seen, self.split.categories) if self.classes else seen

    @property
    def name(self) -> str:
        """The name of the run directory."""
        o = self.options
        return f"{self.dataset.card.name}-{self.track.name}-{o.method}-{o.profile}-s{o.seed}"


def resolve(options: RunOptions, progress: Progress) -> Plan:
    """The run that these options ask for, with its data read and checked."""
    from bmbench.adapters import METHODS
    from bmbench.core.dataset import LoadRequest
    from bmbench.datasets import open_dataset

    track, method = get_track(options.chosen_track), METHODS.get(options.method)
    profile = _profile(options, method)
    artefacts = require_artefact_mode(method, options.artefacts)
    require_classes(method, options.classes, artefacts=artefacts)
    require_installed(method)
    require_loggers(options.log)
    start = None if options.start is None else read_start(options.start, method, artefacts=artefacts)
    fixed = start.fixed if start is not None else None
    settings = resolve_settings(method, options.profile, options.settings, fixed=fixed)
    require_installed(method, settings)
    if options.devices > 1:
        from bmbench.benchmark.workers.devices import check_devices

        check_devices(method, settings, options.devices)
    dataset = open_dataset(options.dataset, data=options.data, options=options.dataset_options)
    request = LoadRequest(data=options.data, seed=options.seed, options=options.dataset_options)
    split = tell_apart(dataset.load(request), options.classes)
    if start is not None:
        require_same_classes(start, method, cell_classes(split, options.classes))
    # The fields of a published split may overlap: its numbers are those that others have, and `info` says it.
    own = options.dataset not in DATASETS
    read = _read_all(split, progress, closely=own)
    leaks = torn(split.samples, read.pictures, partly=own)
    if leaks and not options.allow_leaks:
        refuse_torn(leaks, where=options.dataset, remedy=_LEAK_REMEDY)
    if options.annotated < 1:
        few = annotated_part(split.samples["train"], options.annotated, seed=options.seed)
        split = dataclasses.replace(split, samples={**split.samples, "train": few})
    protocol = dataclasses.replace(PROTOCOLS[dataset.card.protocol], radius_px=split.radius_px)
    supervision = supervise(
        dataset.card,
        split.samples["train"],
        track=track,
        artefacts=artefacts,
        seed=options.seed,
        jitter_px=options.jitter_px,
    )
    return Plan(
        options=options,
        method=method,
        settings=settings,
        dataset=dataset,
        request=request,
        split=split,
        data_hash=read.data_hash,
        appearance=read.appearance,
        track=track,
        profile=profile,
        protocol=protocol,
        supervision=supervision,
        leaks=leaks,
        start=start,
        elsewhere=_other_images(options, split, own=dataset.card.name, progress=progress),
    )


def _other_images(
    options: RunOptions, split: Split, *, own: str, progress: Progress
) -> tuple[OtherImages, ...]:
    """The images that `--test-on` names; `own` is the name of the run's own data set."""
    if not options.test_on:
        return ()
    from bmbench.benchmark.protocol.other_sets import OtherSet
    from bmbench.benchmark.run.other_sets import find_places

    return find_places(
        [OtherSet.parse(text) for text in options.test_on],
        own=own,
        own_data=options.data,
        learned=lambda: learned_names(split),
        seed=options.seed,
        progress=progress,
    )


def learned_names(split: Split) -> frozenset[str]:
    """The names of all images that a run of this split sees before its test."""
    return frozenset(
        sample.name for subset, samples in split.samples.items() if subset != "test" for sample in samples
    )


def config(plan: Plan) -> dict[str, Any]:
    """The run's `config.json`: what was asked for, and what that came to."""
    options, card = plan.options, plan.dataset.card
    record = {
        "schema": RUN_SCHEMA,
        "method": options.method,
        "settings": dataclasses.asdict(plan.settings),
        "dataset": card.name,
        "data": None if options.data is None else str(options.data),
        "dataset_options": dict(options.dataset_options),
        "data_hash": plan.data_hash,
        "um_per_px": pixel_size(plan.split.samples["train"]),
        "mean_cell_px": mean_cell(plan.split.samples["train"]),
        "appearance": dataclasses.asdict(plan.appearance),
        "largest_cell_px": largest_cell(plan.supervision.view(plan.split.samples["train"])),
        "images": {subset: len(samples) for subset, samples in plan.split.samples.items()},
        "track": {"name": plan.track.name, "version": plan.track.version},
        "profile": dataclasses.asdict(plan.profile),
        "artefacts": options.artefacts,
        "classes": [dataclasses.asdict(one) for one in plan.label_classes] if options.classes else [],
        "jitter_px": plan.supervision.jitter_px,
        "seed": options.seed,
        "learned": dataclasses.asdict(plan.learned),
        "split_from": plan.split.split_from,
        "leaks": list(plan.leaks),
        "protocol": plan.protocol.to_json(),
        "options": options.to_json(),
        "test_on": [place.facts() for place in plan.elsewhere],
        **plugin_facts(options.method, options.dataset),
    }
    if plan.start is not None:
        record["start"] = plan.start.facts()
    if (value_of_white := white(plan.split.samples["train"])) is not None:
        record["white"] = value_of_white
    # As it is read back from its file: tuples are lists there.
    value: dict[str, Any] = json.loads(json.dumps(record, allow_nan=False))
    return value


def split_record(split: Split) -> dict[str, Any]:
    """The run's `split.json`: which image is in which subset, and how the classes are balanced."""
    from bmbench.datasets.splits.balanced import balance

    return {
        "schema": SPLIT_SCHEMA,
        "categories": [category.name for category in split.categories],
        "balance": [dataclasses.asdict(row) for row in balance(split.samples, len(split.categories))],
        "images": {
            subset: [{"id": sample.image_id, "name": sample.name, "group": sample.group} for sample in part]
            for subset, part in split.samples.items()
        },
    }


def _profile(options: RunOptions, method: Method) -> Profile:
    """The profile with the changes that were asked for; one model where the method cannot join several.

    Raises
    ------
    BadInputError
        If several are asked for and it cannot.
    """
    profile = get_profile(options.profile)
    if options.models is not None and options.models > 1 and method.ensemble is None:
        raise BadInputError(
            f"{method.name} cannot answer as an ensemble",
            got=f"--models {options.models}",
            remedy="leave --models out",
        )
    models = profile.models if options.models is None else options.models
    retrain = profile.retrain if options.retrain is None else options.retrain
    return dataclasses.replace(profile, models=models if method.ensemble else 1, retrain=retrain)


def _few(texts: Sequence[str]) -> str:
    more = f"; and {len(texts) - _NOTES} more" if len(texts) > _NOTES else ""
    return "; ".join(texts[:_NOTES]) + more


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """The hash of the data set, what is compared of every image, and how the training images look."""

    data_hash: str
    pictures: dict[ImageId, Picture]
    appearance: Appearance


def _read_all(split: Split, progress: Progress, *, closely: bool) -> _Read:
    """What is known of a data set once its pixels are read.

    Every image is read, so that a bad one is found before any work is done.
    """
    from bmbench.datasets.describe.data_hash import DataHash
    from bmbench.datasets.reading.picture_copies import picture_of
    from bmbench.datasets.reading.picture_overlaps import MOST

    samples = [sample for subset in split.samples.values() for sample in subset]
    needed: tuple[Subset, ...] = ("train", "test")
    empty = [name for name in needed if not split.samples[name]]
    if empty:
        raise BadInputError(f"no image in the subset {empty[0]!r}", remedy="check the data set's split")
    digest = DataHash(split.categories)
    closely = closely and len(samples) <= MOST
    pictures: dict[ImageId, Picture] = {}
    train = split.samples["train"]
    measured = {train[number].image_id for number in spread(len(train))}

    def read() -> Iterator[Pixels]:
        for sample in progress.track(samples, description="Reading images", total=len(samples)):
            pixels = sample.load()
            digest.add(sample, pixels)
            pictures[sample.image_id] = picture_of(sample.name, pixels, closely=closely, again=sample.load)
            if sample.image_id in measured:
                yield pixels

    look = appearance(read())
    return _Read(data_hash=digest.hexdigest(), pictures=pictures, appearance=look)
