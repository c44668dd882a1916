"""From options to cells: every run that a study is made of."""

import importlib.util
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bmbench.adapters.method import Method, is_installed, require_installed
from bmbench.benchmark.protocol.classes import require_classes, tell_apart
from bmbench.benchmark.protocol.other_sets import OtherSet, refuse_namesakes
from bmbench.benchmark.protocol.supervision import ARTEFACT_MODES
from bmbench.benchmark.protocol.tracks import get_profile, get_track
from bmbench.benchmark.records.options import RunOptions
from bmbench.benchmark.reproduce.method_settings import changed_settings
from bmbench.benchmark.reproduce.options import ReproduceOptions
from bmbench.core.dataset import DatasetCard
from bmbench.core.errors import BadInputError, MissingExtraError, UnknownNameError

_UNDRAWN = ("points", "circles")
"""Kinds of annotation from which the precise track would learn exactly what the weak one does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One run of a study.

    Attributes
    ----------
    fold : str
        The data set option ``name=value`` that chooses the split; empty where there is one split.
    settings : tuple of (name, value)
        Changes of the method's settings, as text.
    """

    track: str
    artefacts: str
    method: str
    seed: int
    fold: str = ""
    settings: tuple[tuple[str, str], ...] = ()

    @property
    def name(self) -> str:
        """The name of its run directory."""
        fold = "".join(letter if letter.isalnum() else "_" for letter in self.fold.partition("=")[2])
        parts = [self.track, self.artefacts, self.method, *([fold] if fold else []), f"s{self.seed}"]
        return "-".join(parts)

    @property
    def row(self) -> str:
        """What all seeds of it have in common: the name of its search."""
        return self.name.rpartition("-")[0]

    @property
    def repeat(self) -> tuple[str, int]:
        """What tells the runs of one method apart: fold and seed."""
        return self.fold, self.seed


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyFacts:
    """What all cells of a study share: the data, the profile, how circles are simulated.

    `search` is the number of trainings of the search before the runs of each row; 0 for none. `annotated` is
    the share of the training images that is learned from. `classes` are those of cells that are told apart.
    """

    dataset: str
    data: str | None
    dataset_options: Mapping[str, str]
    profile: str
    jitter_px: float | None
    allow_leaks: bool = False
    search: int = 0
    annotated: float = 1.0
    classes: tuple[str, ...] = ()

    def of_data(self, dataset: str, data: Path | None) -> "StudyFacts":
        """The same facts of a data set in this place, as of ``--dataset`` and ``--data``."""
        settled = RunOptions(dataset=dataset, data=data).settled()
        return replace(
            self, dataset=settled.dataset, data=None if settled.data is None else str(settled.data)
        )

    def run_options(self, cell: Cell, out: Path, *, models: int | None = None) -> RunOptions:
        """The options of one cell's run, or of trials of its row, which are single models."""
        from pathlib import Path as LocalPath

        name, _, value = cell.fold.partition("=")
        return RunOptions(
            method=cell.method,
            dataset=self.dataset,
            data=None if self.data is None else LocalPath(self.data),
            dataset_options=dict(self.dataset_options) | ({name: value} if cell.fold else {}),
            track=cell.track,
            profile=self.profile,
            artefacts=cell.artefacts,
            classes=self.classes,
            jitter_px=self.jitter_px,
            allow_leaks=self.allow_leaks,
            annotated=self.annotated,
            seed=cell.seed,
            settings=dict(cell.settings),
            models=models,
            out=out,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """The cells that options ask for.

    Attributes
    ----------
    test_on : tuple of str
        Other images that the detector of every cell is applied to.
    notes : tuple of str
        What was left out and why.
    """

    facts: StudyFacts
    cells: tuple[Cell, ...]
    test_on: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def plan(options: ReproduceOptions) -> Matrix:
    """The matrix that these options ask for; every name and setting in it is good and the data is there.

    Raises
    ------
    BadInputError
        For an unknown name, a bad setting, a data set that cannot be loaded, a matrix without a cell.
    MissingExtraError
        If a method that was named needs a dependency that is not installed.
    """
    for mode in options.artefacts:
        if mode not in ARTEFACT_MODES:
            raise UnknownNameError("artefact mode", mode, ARTEFACT_MODES)
    for track in options.tracks:
        get_track(track)
    get_profile(options.profile)
    for fold in options.folds:
        if "=" not in fold:
            raise BadInputError(f"--fold {fold!r} is not a pair", expected="name=value")
    methods = _methods(options)
    for method, mode in itertools.product(methods, options.artefacts):
        require_classes(method, options.classes, artefacts=mode)
    settings = changed_settings(options, methods)
    tracks, modes, notes = _questions(options)
    able = {m.name: [mode for mode in modes if mode != "class" or m.artefact_class] for m in methods}
    unable = [name for name in able if len(able[name]) < len(modes)]
    if unable:
        notes = (*notes, f"{', '.join(unable)} cannot learn artefacts as a class of their own: not run so")
    cells = tuple(
        Cell(track=track, artefacts=mode, method=name, seed=seed, fold=fold, settings=settings[name])
        for track, mode, name, fold, seed in itertools.product(
            tracks, modes, settings, options.folds or ("",), options.seeds
        )
        if mode in able[name]
    )
    facts = _facts(options)
    notes = (*notes, *_search_notes(options, facts, methods))
    if not cells:
        raise BadInputError("nothing to run", got="; ".join(notes), remedy="choose other methods or modes")
    if len({cell.name for cell in cells}) < len(cells):
        raise BadInputError("two folds differ in signs only", got=", ".join(options.folds))
    return Matrix(facts=facts, cells=cells, test_on=_wishes(options), notes=notes)


def _facts(options: ReproduceOptions) -> StudyFacts:
    facts = StudyFacts(
        dataset=options.dataset,
        data=None,
        dataset_options=dict(options.dataset_options),
        profile=options.profile,
        jitter_px=options.jitter_px,
        allow_leaks=options.allow_leaks,
        search=get_profile(options.profile).search if options.search is None else options.search,
        classes=options.classes,
    )
    return facts.of_data(options.dataset, options.data)


def _search_notes(options: ReproduceOptions, facts: StudyFacts, methods: Sequence[Method]) -> list[str]:
    """What is said of methods that cannot be searched, if there is a search.

    Raises
    ------
    BadInputError
        If its searches would have to be copied elsewhere.
    MissingExtraError
        If Optuna is not installed.
    """
    if not facts.search:
        return []
    fixed = [method.name for method in methods if options.profile not in method.space]
    searched = len(fixed) < len(methods)
    if searched and options.publish is not None:
        raise BadInputError(
            "searches are kept in --out alone",
            got=f"--publish {options.publish}",
            remedy="leave --publish out, or search with --search 0",
        )
    if searched and importlib.util.find_spec("optuna") is None:
        raise MissingExtraError("optuna, which searches need,", extra="tune")
    return [f"{', '.join(fixed)}: nothing to search, run as the profile has it"] if fixed else []


def _wishes(options: ReproduceOptions) -> tuple[str, ...]:
    """The other images that were asked for; each set is loaded once, so that a bad one is found early."""
    from bmbench.core.dataset import LoadRequest
    from bmbench.datasets import open_dataset

    wishes = [OtherSet.parse(text).settled() for text in options.test_on]
    refuse_namesakes(wishes)
    for wish in wishes:
        data = options.data if wish.data is None and wish.dataset == options.dataset else wish.data
        request = LoadRequest(data=data, options=wish.options)
        open_dataset(wish.dataset, data=data, options=wish.options).load(request)
    return tuple(map(str, wishes))


def _methods(options: ReproduceOptions) -> tuple[Method, ...]:
    """The methods that were named, or all of bmbench's own that are installed and can learn what is asked."""
    from bmbench.adapters import METHODS

    if options.methods:
        methods = tuple(METHODS.get(name) for name in options.methods)
        for method in methods:
            require_installed(method)
        return methods
    able = (method for method in map(METHODS.get, METHODS.own_names()) if is_installed(method))
    return tuple(
        method
        for method in able
        if options.profile in method.settings and (method.cell_classes or not options.classes)
    )


def _questions(
    options: ReproduceOptions,
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """The tracks and artefact modes that differ on this data, and why others are left out."""
    card, has_artefacts = _look(options)
    tracks, modes, notes = options.tracks, options.artefacts, []
    if card.annotation in _UNDRAWN and len(tracks) > 1:
        tracks = ("weak",) if "weak" in tracks else tracks[:1]
        notes.append(f"{card.name} has {card.annotation} only: nothing tells the tracks apart, one is run")
    if not has_artefacts and len(modes) > 1:
        modes = modes[:1]
        notes.append(
            f"no artefact is annotated in {card.name}: all artefact modes are one, {modes[0]} is run"
        )
    return tracks, modes, tuple(notes)


def _look(options: ReproduceOptions) -> tuple[DatasetCard, bool]:
    """The card of the data set, and whether artefacts are annotated in it; loads every fold once.

    Raises
    ------
    BadInputError
        If a fold does not have the classes that are to be told apart.
    """
    from bmbench.core.dataset import LoadRequest
    from bmbench.core.types import Role
    from bmbench.datasets import open_dataset

    dataset = open_dataset(options.dataset, data=options.data, options=options.dataset_options)
    found = False
    for fold in options.folds or ("",):
        name, _, value = fold.partition("=")
        wanted = dict(options.dataset_options) | ({name: value} if fold else {})
        split = dataset.load(LoadRequest(data=options.data, seed=options.seeds[0], options=wanted))
        tell_apart(split, options.classes)
        found = found or any(
            bool((sample.annotations.role == Role.ARTEFACT).any())
            for samples in split.samples.values()
            for sample in samples
        )
    return dataset.card, found
