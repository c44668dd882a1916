"""A model from a finished run, and its scores on sets that it never saw."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

import bmbench
from bmbench.benchmark.models.record import (
    SCHEMA,
    MeasuredScore,
    ModelCard,
    ModelRecord,
    finite,
    read_model,
    write_record,
)
from bmbench.benchmark.records.run_folder import RunDir
from bmbench.benchmark.records.seal import require_as_sealed
from bmbench.benchmark.records.trained_run import load_run
from bmbench.core.errors import BadInputError
from bmbench.core.files import make_folder, read_bytes, write_bytes, writing_folder
from bmbench.core.gate import copy_file, files_in


def write_model(folder: Path, run: Path, *, card: ModelCard, threshold: float | None = None) -> None:
    """Make a model of a finished run, called as the folder is; weights take half of the bytes.

    Without a `threshold` it is the run's, which suits images like those that it was chosen on.

    Numbers of 32 bits are kept in 16: of a weight three decimal places are left, and nothing of its size.

    Raises
    ------
    BadInputError
        If the run is none, or was changed, or does not say how its images look.
    RunFailedError
        If the folder is there already, or cannot be written.
    """
    source = RunDir.open(run)
    require_as_sealed(source.check_seal())
    trained, config = load_run(run), source.config()
    if trained.appearance is None:
        raise BadInputError(
            "does not say how its training images look", where=str(run), remedy="train it anew"
        )
    record = ModelRecord(
        schema=SCHEMA,
        name=folder.name,
        bmbench=bmbench.__version__,
        method=config.method,
        profile=config.profile.name,
        settings=config.settings,
        artefacts=config.artefacts,
        card=card,
        appearance=trained.appearance,
        threshold=trained.threshold if threshold is None else threshold,
        um_per_px=trained.um_per_px,
        mean_cell_px=finite(trained.mean_cell_px),
        largest_cell_px=finite(trained.largest_cell_px),
        white=trained.white,
        classes=config.classes,
        plugin=config.plugin,
    )
    with writing_folder(folder) as aside:
        for path in files_in(source.checkpoint, within=source.checkpoint, deep=True):
            place = aside / "checkpoint" / path.relative_to(source.checkpoint)
            make_folder(place.parent)
            if path.suffix == ".safetensors":
                write_bytes(place, _halved(read_bytes(path, within=source.checkpoint)))
            else:
                copy_file(path, place, within=source.checkpoint)
        write_record(aside, record)


def write_scores(folder: Path, scores: Sequence[MeasuredScore]) -> None:
    """Put these scores on a model's card, in the place of those on the same sets in the same way."""
    record = read_model(folder)
    new = {(score.on, score.how) for score in scores}
    kept = [score for score in record.card.scores if (score.on, score.how) not in new]
    card = msgspec.structs.replace(record.card, scores=[*kept, *scores])
    write_record(folder, msgspec.structs.replace(record, card=card))


def _halved(data: bytes) -> bytes:
    """Safetensors with numbers of 16 bits instead of 32."""
    import torch
    from safetensors.torch import load, save

    return save(
        {
            name: tensor.half() if tensor.dtype == torch.float32 else tensor
            for name, tensor in load(data).items()
        }
    )
