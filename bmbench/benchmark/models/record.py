"""What a model is on disk.

::

    marrow-small/
      model.json      how its detector is used, and the card: data, licence, scores, where it fails
      checkpoint/     the detector, as the method saved it (safetensors and JSON)
      manifest.json   SHA-256 of the others

Nothing in it is executed: the record is typed JSON, the weights are safetensors.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from bmbench.adapters.images.appearance import Appearance
from bmbench.benchmark.records.run_records import RecordedPlugin, read_record
from bmbench.benchmark.records.seal import SealedKind, check_seal, require_as_sealed, seal
from bmbench.core.files import write_json

SCHEMA = "bmbench.model/1"
RECORD = "model.json"
SEALED = SealedKind(name="model")
_Positive = Annotated[float, Meta(gt=0)]
_Share = Annotated[float, Meta(ge=0, le=1)]


class LearnedSet(Struct, frozen=True, kw_only=True):
    """A data set that a model has learned from.

    `names` are those of the images that it has seen, also to choose its threshold; on others of the same set
    it may be tested.
    """

    dataset: str
    licence: str
    citation: str
    images: Annotated[int, Meta(ge=0)]
    cells: Annotated[int, Meta(ge=0)]
    names: list[str] = msgspec.field(default_factory=list)


class MeasuredScore(Struct, frozen=True, kw_only=True):
    """F1 between centres on a set that the model never saw, at its own threshold, with a 95 % interval.

    `how` are the options that images were adjusted with; `baseline` is the F1 of `blob_log`, fitted on the
    same images and applied in the same way.
    """

    on: str
    how: str
    images: int
    groups: int
    cells: int
    f1: _Share | None
    f1_ci: tuple[float, float] | None = None
    precision: _Share | None = None
    recall: _Share | None = None
    ap: _Share | None = None
    baseline: _Share | None = None
    baseline_ci: tuple[float, float] | None = None


class ModelCard(Struct, frozen=True, kw_only=True):
    """What a user should know before using a model.

    Attributes
    ----------
    finds : str
        What is a cell to it: nuclei, or whole cells.
    advice : str
        The options that it should be used with.
    limits : list of str
        Where it fails, a sentence each.
    recipe : str
        The command that makes it.
    """

    title: str
    finds: str
    licence: str
    recipe: str
    advice: str = ""
    data: list[LearnedSet] = msgspec.field(default_factory=list)
    scores: list[MeasuredScore] = msgspec.field(default_factory=list)
    limits: list[str] = msgspec.field(default_factory=list)


class ModelRecord(Struct, frozen=True, kw_only=True):
    """The ``model.json``: a run's configuration as far as whoever predicts needs it, and the card.

    `settings` are those of the method, in the `profile` that the run was made with.
    """

    schema: str
    name: Annotated[str, Meta(pattern="^[a-z0-9][a-z0-9._-]{0,63}$")]
    bmbench: str
    method: str
    profile: str
    settings: dict[str, Any]
    artefacts: str
    card: ModelCard
    appearance: Appearance
    threshold: _Share | None = None
    um_per_px: _Positive | None = None
    mean_cell_px: _Positive | None = None
    largest_cell_px: _Positive | None = None
    white: Annotated[int, Meta(ge=1, le=65535)] | None = None
    classes: list[dict[str, Any]] = msgspec.field(default_factory=list)
    plugin: dict[str, RecordedPlugin] = msgspec.field(default_factory=dict)

    @property
    def learned(self) -> dict[str, frozenset[str]]:
        """The names of the images that it has seen, by data set."""
        return {one.dataset: frozenset(one.names) for one in self.card.data}


def read_model(folder: Path) -> ModelRecord:
    """The record of a model, whose files are as they were when it was finished.

    Raises
    ------
    BadInputError
        If the folder is no model, or something in it was changed.
    """
    record = read_record(folder / RECORD, ModelRecord, schema=SCHEMA, within=folder, what="a model's record")
    require_as_sealed(check_seal(folder, SEALED, sealed=True))
    return record


def write_record(folder: Path, record: ModelRecord) -> None:
    """Write the record of a model whose checkpoint is there, and seal it."""
    write_json(folder / RECORD, msgspec.to_builtins(record))
    seal(folder, SEALED)


def finite(value: float | None) -> float | None:
    """A size that a model may state: above 0 and finite, or None."""
    return value if value is not None and 0 < value < math.inf else None
