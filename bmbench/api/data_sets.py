"""`bmbench.open_dataset`: a published set, or a user's own files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bmbench.api.display import frame_of, html_of
from bmbench.api.ground_truth import TruthTable
from bmbench.core.dataset import SUBSETS, DatasetCard, LoadRequest, Split
from bmbench.core.errors import UnknownNameError
from bmbench.core.types import Category, Sample
from bmbench.present.words import many

if TYPE_CHECKING:
    import pandas as pd
    from rich.table import Table


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class DataSet:
    """A data set, split into subsets; pixels are read when they are asked for.

    Attributes
    ----------
    card : DatasetCard
        Who made it, licence, citation, the matching radius.
    split : Split
        Its images by subset: train, validation, optimisation, test.

    Examples
    --------
    >>> import bmbench
    >>> mine = bmbench.open_dataset("my.json")
    >>> mine.samples("test")[0].load().shape
    (256, 256, 3)
    """

    card: DatasetCard
    split: Split

    @property
    def categories(self) -> tuple[Category, ...]:
        """The classes of objects."""
        return self.split.categories

    @property
    def radius_px(self) -> float:
        """How far centres may be from each other, in pixels of these images."""
        return self.split.radius_px

    @property
    def notes(self) -> tuple[str, ...]:
        """What was left out of the files, and why."""
        return self.split.faults

    def samples(self, subset: str | None = None) -> tuple[Sample, ...]:
        """The images of a subset, or all of them, each with its annotations; ``.load()`` reads its pixels.

        Examples
        --------
        >>> import bmbench
        >>> len(bmbench.open_dataset("my.json").samples())
        8
        """
        if subset is None:
            return tuple(sample for name in SUBSETS for sample in self.split.samples[name])
        if subset not in SUBSETS:
            raise UnknownNameError("subset", subset, SUBSETS)
        return {str(name): part for name, part in self.split.samples.items()}[subset]

    def ground_truth(self, subset: str | None = "test") -> TruthTable:
        """The annotations of a subset (None: of all images), to score predictions against.

        Examples
        --------
        >>> import bmbench
        >>> len(bmbench.open_dataset("my.json").ground_truth("test").images)
        2
        """
        return TruthTable.from_samples(self.samples(subset), self.categories)

    def to_frame(self) -> pd.DataFrame:
        """One row an image: subset, group, size, number of objects.

        Examples
        --------
        >>> import bmbench
        >>> bmbench.open_dataset("my.json").to_frame()["subset"].value_counts()["test"].item()
        2
        """
        rows = [(name, sample) for name in SUBSETS for sample in self.split.samples[name]]
        return frame_of(
            {
                "image": [sample.image_id for _, sample in rows],
                "name": [sample.name for _, sample in rows],
                "subset": [name for name, _ in rows],
                "group": [sample.group for _, sample in rows],
                "width_px": [sample.width for _, sample in rows],
                "height_px": [sample.height for _, sample in rows],
                "objects": [len(sample.annotations) for _, sample in rows],
            }
        )

    def __repr__(self) -> str:
        parts = [f"{len(self.split.samples[name])} {name}" for name in SUBSETS]
        return f"DataSet({self.card.name}: {many(len(self.samples()), 'image')}, {', '.join(parts)})"

    def _repr_html_(self) -> str:
        return html_of([self._table()], notes=self.notes)

    def _table(self) -> Table:
        from bmbench.present.terminal import terminal_table

        table = terminal_table("subset", ("images", "groups", "objects"), title=self.card.title)
        for name in SUBSETS:
            part = self.split.samples[name]
            objects = sum(len(sample.annotations) for sample in part)
            groups = len({sample.group for sample in part})
            table.add_row(name, f"{len(part):,}", f"{groups:,}", f"{objects:,}")
        return table


def open_dataset(
    name: str | Path,
    *,
    data: str | Path | None = None,
    seed: int = 0,
    options: Mapping[str, Any] | None = None,
) -> DataSet:
    """The data set of that name, or the one in a user's own file or folder, split into subsets.

    Parameters
    ----------
    name : str or path
        A name that ``bmbench datasets list`` shows; a file or folder in any format that bmbench reads;
        ``FORMAT:PATH`` where the files do not tell the format.
    data : path, optional
        The folder of a published set's files, or of the images where they do not lie beside the annotations.
    seed : int
        Of the split, where the data set does not fix it.
    options : mapping, optional
        Choices of the data set, as ``--option`` takes them.

    Raises
    ------
    UnknownNameError
        If it is neither.
    BadInputError
        If the files cannot be read.

    Examples
    --------
    >>> import bmbench
    >>> bmbench.open_dataset("synthetic")
    DataSet(synthetic: 36 images, 20 train, 4 validation, 4 optimisation, 8 test)
    """
    from bmbench.datasets import open_dataset as find

    folder = None if data is None else Path(data)
    found = find(str(name), data=folder)
    texts = {key: str(value) for key, value in (options or {}).items()}
    return DataSet(card=found.card, split=found.load(LoadRequest(data=folder, seed=seed, options=texts)))
