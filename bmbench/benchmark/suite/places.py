"""Where the data of a suite's sets lie on this machine, and which folds they allow."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from bmbench.benchmark.suite.suite_file import Suite, SuiteSet
from bmbench.core.dataset import LoadRequest
from bmbench.core.errors import BadInputError, UnknownNameError
from bmbench.datasets import open_dataset


def folders_of(suite: Suite, given: Mapping[str, Path], root: Path | None) -> dict[str, Path]:
    """The folder of each set that is there: the one that was given, else the one under the root.

    Raises
    ------
    UnknownNameError
        If a folder is given for a set that the suite does not have.
    BadInputError
        If a folder that was given, or the root, is not there.
    """
    names = [one.name for one in suite.sets]
    for name, folder in given.items():
        if name not in names:
            raise UnknownNameError("set of this suite", name, names)
        if not folder.exists():
            raise BadInputError("folder not found", where=str(folder), remedy=f"check --data {name}=FOLDER")
    if root is not None and not root.exists():
        raise BadInputError("folder not found", where=str(root), remedy="check --data-root")
    found = dict(given)
    for one in suite.sets:
        if one.name not in found and one.folder and root is not None and (root / one.folder).exists():
            found[one.name] = root / one.folder
    return found


def source_of(one: SuiteSet, folder: Path | None) -> tuple[str, Path | None] | None:
    """The data set of a set and its folder, as of ``--dataset`` and ``--data``; None where files are missing.

    A set that bmbench knows by name may have been fetched: then no folder is needed.
    """
    from bmbench.datasets.fetch.store import stored_folder

    if one.dataset and (not one.folder or folder is not None):
        return one.dataset, folder
    if one.dataset:
        return (one.dataset, None) if stored_folder(one.dataset) is not None else None
    return None if folder is None else (str(folder), None)


def folds_there(one: SuiteSet, dataset: str, data: Path | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Those of a set's folds whose test images are there, as ``option=value``, and the values of the others.

    Raises
    ------
    BadInputError
        If the data cannot be loaded with any fold, or a fold whose groups are there cannot be loaded.
    """
    if not one.folds:
        return (), ()
    opened = open_dataset(dataset, data=data, options=one.options)
    groups: set[str] = set()
    faults: dict[str, BadInputError] = {}
    for value in one.folds:
        try:
            split = opened.load(LoadRequest(data=data, options=one.options | {one.fold_by: value}))
        except BadInputError as error:
            faults[value] = error
            continue
        groups |= {sample.group for samples in split.samples.values() for sample in samples}
    for value, fault in faults.items():
        if not groups or all(any(group.endswith(part) for group in groups) for part in value.split("+")):
            raise fault
    there = tuple(f"{one.fold_by}={value}" for value in one.folds if value not in faults)
    return there, tuple(faults)
