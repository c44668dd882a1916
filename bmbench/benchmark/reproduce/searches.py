"""The search for the settings of a row of the matrix, which comes before its runs.

It is a `bmbench tune` of the row's method on its track, with what the study fixes left fixed, in
``searches/ROW/``: trials are pruned, and a killed one goes on. All seeds of the row run with what it found.
"""

import shutil
from collections.abc import Sequence
from pathlib import Path

from bmbench.benchmark.records.settings_files import read_settings
from bmbench.benchmark.reproduce.folder import StudyFolder
from bmbench.benchmark.reproduce.matrix import Cell, StudyFacts
from bmbench.core.progress import Progress


def searched_rows(cells: Sequence[Cell], facts: StudyFacts) -> list[Cell]:
    """The first cell of each row that is searched, in their order."""
    from bmbench.adapters import METHODS

    rows = {cell.row: cell for cell in reversed(cells)}
    able = [cell for cell in rows.values() if facts.profile in METHODS.get(cell.method).space]
    return able[::-1] if facts.search else []


def search_row(folder: StudyFolder, cell: Cell, facts: StudyFacts, progress: Progress) -> None:
    """Search, or go on with the search where it stood; one of another version is begun anew."""
    from bmbench.benchmark.run.begin_or_resume import OutdatedError
    from bmbench.benchmark.search.plan import TuneOptions
    from bmbench.benchmark.search.search import resume_tuning, tune

    begun = _begun(folder, cell)
    if begun is not None:
        try:
            resume_tuning(begun, progress, trials=facts.search)
        except OutdatedError:
            shutil.rmtree(begun)
        else:
            return
    place = folder.searches(cell)
    options = TuneOptions(run=facts.run_options(cell, place, models=1), trials=facts.search)
    tune(options, progress)


def found_settings(folder: StudyFolder, cell: Cell) -> dict[str, str]:
    """What the search of a cell's row ended with; empty where it was not searched or has not ended."""
    begun = _begun(folder, cell)
    settings = None if begun is None else begun / "settings.json"
    if settings is None or not settings.is_file():
        return {}
    return dict(read_settings(settings).settings)


def _begun(folder: StudyFolder, cell: Cell) -> Path | None:
    return next((path.parent for path in sorted(folder.searches(cell).glob("*/tuning.json"))), None)
