"""`bmbench.count`: how many cells of which class, as an object that shows its tables."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bmbench.api.display import frame_of, html_of
from bmbench.api.models import listener
from bmbench.benchmark.counting.options import (
    CountOptions,
    CountReport,
    predictions_among,
    require_file_alone,
)
from bmbench.benchmark.counting.tables import (
    DIFFERENTIAL_COLUMNS,
    differential_rows,
    report_lines,
    report_tables,
)
from bmbench.benchmark.prediction.options import PredictOptions
from bmbench.core.errors import BadInputError, UnknownNameError
from bmbench.present.html import text_of

if TYPE_CHECKING:
    import pandas as pd

_OPTIONS = (
    "threshold",
    "um_per_px",
    "regions",
    "everywhere",
    "areas_cells",
    "white",
    "scale",
    "standardise",
)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class CountResult:
    """What was counted.

    Attributes
    ----------
    report : CountReport
        The counts of every image, and the differentials of everything and of each patient.
    folder : Path or None
        Tables, pictures and ``report.html``; None where no folder was asked for.

    Examples
    --------
    >>> import bmbench
    >>> result = bmbench.count("images", run="runs/first", show_progress=False)
    >>> sum(result.by_image["marrow_s3_0000.png"].values()) > 0
    True
    >>> result.folder is None
    True
    """

    report: CountReport
    folder: Path | None

    @property
    def by_image(self) -> dict[str, dict[str, int]]:
        """Cells of each class on every image."""
        names = [one.name for one in self.report.classes]
        rows = self.report.counts().tolist()
        return {
            image.name: dict(zip(names, row, strict=True))
            for image, row in zip(self.report.images, rows, strict=True)
        }

    @property
    def notes(self) -> tuple[str, ...]:
        """What was taken for granted, and which images could not be read."""
        return (*self.report.broken, *self.report.notes)

    def table(self) -> str:
        """The tables that ``bmbench count`` prints.

        Examples
        --------
        >>> import bmbench
        >>> result = bmbench.count("images", run="runs/first", show_progress=False)
        >>> print(result.table().splitlines()[1].split()[:2])
        ['image', 'cells']
        """
        return "\n".join([text_of(report_tables(self.report)), *report_lines(self.report)])

    def to_frame(self) -> pd.DataFrame:
        """One row a class, lineage or sum of each differential, in per cent, as in ``differential.csv``.

        Examples
        --------
        >>> import bmbench
        >>> result = bmbench.count("images", run="runs/first", show_progress=False)
        >>> result.to_frame()["of"].unique().tolist()
        ['all']
        """
        rows = list(differential_rows(self.report.differentials))
        return frame_of({name: [row[at] for row in rows] for at, name in enumerate(DIFFERENTIAL_COLUMNS)})

    def __repr__(self) -> str:
        found = self.report.differentials[0]
        where = f"; {self.folder}" if self.folder is not None else ""
        return f"CountResult({found.cells:,} cells on {found.images:,} images{where})"

    def _repr_html_(self) -> str:
        return html_of(report_tables(self.report), notes=[*report_lines(self.report), *self.notes])


def count(
    images: str | Path | Sequence[str | Path],
    *,
    run: str | Path | None = None,
    model: str | Path | None = None,
    out: str | Path | None = None,
    groups: str | Path | None = None,
    group_from: str | None = None,
    names: str | Path | None = None,
    lineages: str | Path | None = None,
    cut_offs: Mapping[str, float | Sequence[float]] | None = None,
    show_progress: bool = True,
    **options: Any,
) -> CountResult:
    """The cells of images by class, with percentages and limits, as ``bmbench count`` does it.

    Parameters
    ----------
    images : path or list of paths
        Images, slides, folders of them; or one file of predictions (.json, .csv) or annotations (COCO), and
        the images that it is of.
    run, model : path or str
        A finished run; or a model, by its name or folder. One of the two, and none with a file of cells.
    out : path, optional
        A new folder for tables, pictures and the report; without it nothing is kept.
    groups : path, optional
        A table of images and their patients.
    group_from : str, optional
        A regular expression of images' names; its first bracket is the patient.
    names : path, optional
        A COCO file whose classes and images are those that a predictions file of COCO results means.
    lineages : path, optional
        A table of classes and lineages.
    cut_offs : mapping, optional
        Cut-offs of a class, lineage or sum, from 0 to 1, beside the usual ones.
    **options
        `threshold`, `um_per_px`, `regions`, `everywhere`, `areas_cells` (a number: ``--areas auto`` with
        so many cells), `white`, `scale` ("stated", "auto" or "shared") and `standardise`, as there.

    Raises
    ------
    BadInputError
        For an image, a run, a model, a table or an option that is no such thing.
    UnknownNameError
        For an option of another name.

    Examples
    --------
    >>> import bmbench
    >>> result = bmbench.count("images", run="runs/first", out="counted", show_progress=False)
    >>> result.folder.name
    'counted'

    Cells that are found already, or corrected, are counted as they are:

    >>> again = bmbench.count(["counted/cells.csv", "images"], show_progress=False)
    >>> again.by_image["marrow_s3_0000.png"] == result.by_image["marrow_s3_0000.png"]
    True
    """
    from bmbench.benchmark.counting.count import count as count_images
    from bmbench.benchmark.models.places import find_model

    paths = [Path(path) for path in ((images,) if isinstance(images, str | Path) else images)]
    file = predictions_among(paths)
    if file is not None:
        given = {"run": run, "model": model, **options}
        require_file_alone(file, [name for name, value in given.items() if value and name != "threshold"])
    elif (run is None) == (model is None):
        raise BadInputError(
            "run and model", expected="one of the two", got="neither" if run is None else "both"
        )
    for name in options:
        if name not in _OPTIONS:
            raise UnknownNameError("option", name, _OPTIONS)
    if options.get("regions") is not None:
        options["regions"] = Path(options["regions"])
    asked = PredictOptions(
        run=Path(run or "") if model is None else find_model(str(model)),
        images=tuple(path for path in paths if path != file),
        **options,
    )
    stated = {"groups": groups, "group_from": group_from}
    with tempfile.TemporaryDirectory() as place:
        chosen = CountOptions(
            predict=asked,
            out=Path(place) / "counts" if out is None else Path(out),
            group_choices={name: str(value) for name, value in stated.items() if value is not None},
            lineages=None if lineages is None else Path(lineages),
            cut_offs={
                name: (float(at),) if isinstance(at, int | float) else tuple(at)
                for name, at in (cut_offs or {}).items()
            },
            overlays=out is not None,
            found=file,
            names=None if names is None else Path(names),
        )
        report = count_images(chosen, listener(show_progress=show_progress))
    return CountResult(report=report, folder=None if out is None else chosen.out)
