"""The options of `bmbench reproduce`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bmbench.benchmark.records.options import parse_list
from bmbench.core.errors import BadInputError


@dataclass(frozen=True, slots=True, kw_only=True)
class ReproduceOptions:
    """What was asked for, as it was given.

    Attributes
    ----------
    methods : tuple of str
        Empty: every method that is installed.
    classes : tuple of str
        Classes of cells that every method learns to tell apart, or ``("all",)``; empty: cells are one class.
    folds : tuple of str
        Data set options ``name=value``; each cell is run once for each of them. Empty: one split.
    settings : tuple of str
        ``name=value`` for every method that has the setting, ``method:name=value`` for one.
    settings_files : tuple of Path
        Files of settings, or names of such (`bmbench.benchmark.records.settings_files`). Later ones come
        after earlier ones, `settings` after all of them.
    search : int or None
        Trainings of the search that comes before the runs of each row; None leaves it to the profile.
    allow_leaks : bool
        Whether subsets may share a group or a picture.
    test_on : tuple of str
        Other images that every detector is applied to (`bmbench.benchmark.protocol.other_sets`).
    jobs : int
        Runs side by side.
    cluster : str or None
        Whose workers do the runs (`bmbench.benchmark.workers`); None: this process, or `jobs` of its own.
    redo_changed : bool
        Whether finished runs that are not as they were when they ended are deleted and made anew.
    publish : str or None
        An address where a copy of the study is kept (`bmbench.benchmark.reproduce.mirror`).
    """

    out: Path
    dataset: str = "synthetic"
    data: Path | None = None
    dataset_options: Mapping[str, str] = field(default_factory=dict)
    profile: str = "quick"
    methods: tuple[str, ...] = ()
    tracks: tuple[str, ...] = ("precise", "weak")
    artefacts: tuple[str, ...] = ("background",)
    classes: tuple[str, ...] = ()
    seeds: tuple[int, ...] = (0, 1, 2)
    folds: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    settings_files: tuple[Path, ...] = ()
    search: int | None = None
    jitter_px: float | None = None
    allow_leaks: bool = False
    test_on: tuple[str, ...] = ()
    jobs: int = 1
    cluster: str | None = None
    publish: str | None = None
    redo_changed: bool = False


def parse_seeds(text: str) -> tuple[int, ...]:
    """``"0,1,2"`` as whole numbers; BadInputError for anything else."""
    parts = parse_list(text, option="--seeds")
    if not all(part.isascii() and part.isdigit() for part in parts):
        raise BadInputError(f"--seeds {text!r}", expected="whole numbers with commas between them")
    return tuple(int(part) for part in parts)
