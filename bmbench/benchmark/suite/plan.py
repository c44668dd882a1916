"""From a suite to matrices of runs, one a set: a set of a suite is a study that `reproduce` can work off."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bmbench.adapters.method import is_installed
from bmbench.benchmark.reproduce.folder import StudyFolder
from bmbench.benchmark.reproduce.matrix import Matrix, plan
from bmbench.benchmark.reproduce.options import ReproduceOptions
from bmbench.benchmark.suite.models import ModelTest, model_tests
from bmbench.benchmark.suite.places import folders_of, folds_there, source_of
from bmbench.benchmark.suite.suite_file import Rows, Suite, SuiteSet
from bmbench.core.errors import BadInputError
from bmbench.present.words import listed


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteOptions:
    """What `bmbench suite run` was asked for.

    Attributes
    ----------
    folders : name of a set → its folder
    root : Path or None
        Where the folders of the other sets lie, by the names that the suite gives them.
    only : tuple of str
        The sets that are run; empty: all.
    methods : tuple of str
        Takes the place of the methods of the suite and its sets; empty: as they are.
    """

    suite: Suite
    out: Path
    folders: Mapping[str, Path] = field(default_factory=dict)
    root: Path | None = None
    only: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    lite: bool = False
    jobs: int = 1
    cluster: str | None = None
    redo_changed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SetPlan:
    """One set of a suite, where its study is, its runs, and models to apply to its test images."""

    set: SuiteSet
    folder: StudyFolder
    matrix: Matrix
    models: tuple[ModelTest, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SuitePlan:
    """What there is to be run, and what was left out and why."""

    sets: tuple[SetPlan, ...]
    notes: tuple[str, ...]


def plan_suite(options: SuiteOptions) -> SuitePlan:
    """The matrices of the sets whose data are there; every name and setting in them is good.

    Raises
    ------
    BadInputError
        For a bad name or setting, data that cannot be loaded, or a suite of which no set is there.
    """
    suite = options.suite.without(only=options.only, lite=options.lite)
    folders = folders_of(suite, options.folders, options.root)
    plans, notes = [], list[str]()
    for one in suite.sets:
        source = source_of(one, folders.get(one.name))
        if source is None:
            notes.append(f"{one.name} left out: no data (--data {one.name}=FOLDER, or --data-root)")
            continue
        folds, absent = folds_there(one, *source)
        if absent:
            notes.append(f"{one.name}: no test images of {listed(absent)}, left out")
        matrix = _matrix(suite, one, options, notes, source=source, folds=folds)
        models = () if options.methods else model_tests(one, matrix, options.out)
        folder = set_folder(options.out, one.name)
        plans.append(SetPlan(set=one, folder=folder, matrix=matrix, models=models))
    if not plans:
        raise BadInputError("no set of this suite has its data here", got="; ".join(notes))
    return SuitePlan(sets=tuple(plans), notes=tuple(notes))


def set_folder(out: Path, name: str) -> StudyFolder:
    """The study of a set inside the folder of a suite."""
    return StudyFolder(out.absolute() / "sets" / name)


def _matrix(
    suite: Suite,
    one: SuiteSet,
    options: SuiteOptions,
    notes: list[str],
    *,
    source: tuple[str, Path | None],
    folds: tuple[str, ...],
) -> Matrix:
    """All rows of a set; a run that two of them ask for is made once."""
    matrices = []
    for rows in (Rows(), *(() if options.methods else one.also)):
        methods = _installed(options.methods or rows.methods or one.methods or suite.methods, one, notes)
        if not methods:
            continue
        wanted = ReproduceOptions(
            out=options.out,
            dataset=source[0],
            data=source[1],
            dataset_options=one.options,
            profile=one.profile or suite.profile,
            methods=methods,
            tracks=rows.tracks or one.tracks,
            artefacts=rows.artefacts or one.artefacts,
            classes=one.classes,
            seeds=rows.seeds or one.seeds,
            folds=folds,
            settings=(*one.settings, *rows.settings),
            settings_files=tuple(map(Path, one.settings_files)),
            search=one.search,
        )
        matrices.append(plan(wanted))
    if not matrices:
        raise BadInputError(f"set {one.name}: none of its methods is installed")
    cells = {cell.name: cell for matrix in matrices for cell in matrix.cells}
    for cell in (cell for matrix in matrices for cell in matrix.cells):
        if cell != cells[cell.name]:
            raise BadInputError(
                f"set {one.name}: {cell.name} is asked for twice, with different settings",
                remedy="make it a set of its own, with the same data",
            )
    notes += [f"{one.name}: {note}" for note in dict.fromkeys(n for m in matrices for n in m.notes)]
    return Matrix(facts=matrices[0].facts, cells=tuple(cells.values()))


def _installed(methods: tuple[str, ...], one: SuiteSet, notes: list[str]) -> tuple[str, ...]:
    """Those that can be run here; what a suite names and this machine lacks is said, and no fault."""
    from bmbench.adapters import METHODS

    lacking = [name for name in methods if not is_installed(METHODS.get(name))]
    if lacking:
        notes.append(f"{one.name}: {listed(lacking)} left out, not installed here")
    return tuple(name for name in methods if name not in lacking)
