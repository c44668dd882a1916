"""A wanted recall, precision or miss rate, by the optimisation images of a finished run."""

from __future__ import annotations

from pathlib import Path

from bmbench.benchmark.records.run_folder import RunDir
from bmbench.benchmark.scoring.chosen_point import ChosenPoint, PointRequest
from bmbench.benchmark.scoring.score_files import read_pair
from bmbench.core.errors import BadInputError
from bmbench.metrics.operating_point import WantedPoint


def chosen_on_run(run: Path, wanted: WantedPoint) -> ChosenPoint:
    """The operating point by the optimisation images of a finished run, by its own rules.

    Raises
    ------
    BadInputError
        If it has none, or no threshold reaches what is wanted.
    """
    folder = RunDir.open(run)
    paths = folder.predictions("optimisation"), folder.truth("optimisation")
    if not all(path.is_file() for path in paths):
        raise BadInputError(
            "a run without optimisation images", where=str(run), remedy="give --threshold instead of --at"
        )
    request = PointRequest(wanted=wanted, chosen_on=paths)
    return request.choose(*read_pair(*paths), folder.config().protocol)
