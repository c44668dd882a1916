"""The model that a training begins with: `bmbench run --from`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bmbench.adapters import METHODS
from bmbench.adapters.classifier.second_stage import DETECTOR
from bmbench.adapters.ensemble import is_ensemble
from bmbench.adapters.method import Method
from bmbench.benchmark.models.places import find_model, is_model
from bmbench.benchmark.models.record import read_model
from bmbench.benchmark.records.run_folder import RunDir
from bmbench.benchmark.records.seal import require_as_sealed
from bmbench.benchmark.records.trained_run import digest_of
from bmbench.core.errors import BadInputError


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What a training begins with.

    Attributes
    ----------
    checkpoint : Path
        The saved detector.
    method : str
    fixed : name → value
        The settings that its weights depend on.
    digest : str
        SHA-256 over the checkpoint: what a run that is resumed compares.
    """

    place: str
    checkpoint: Path
    method: str
    fixed: Mapping[str, Any]
    digest: str

    def facts(self) -> dict[str, str]:
        """What a run's configuration says about it."""
        return {"model": self.place, "sha256": self.digest}


def start_method(place: str) -> str:
    """The method of the model or run that `--from` names; the errors of `find_model`."""
    folder = find_model(place)
    return read_model(folder).method if is_model(folder) else RunDir.open(folder).config().method


def read_start(place: str, method: Method, *, artefacts: str, classes: Sequence[str] = ()) -> Start:
    """The model or run that `--from` names, if a training of this method can begin with it.

    `classes` are those of cells that are asked for.

    Raises
    ------
    BadInputError
        If it is neither, was changed, is of another method or of several networks, learned artefacts in
        another way, told classes of cells apart and shall not, or the other way round, or if the method
        cannot begin with weights.
    """
    folder = find_model(place)
    if is_model(folder):
        model = read_model(folder)
        facts = (model.method, model.artefacts, model.settings, model.classes)
    else:
        run = RunDir.open(folder)
        require_as_sealed(run.check_seal("checkpoint/*", "config.json"))
        config = run.config()
        facts = (config.method, config.artefacts, config.settings, config.classes)
    own, mode, settings, meaning = facts
    base, stage = METHODS.parts(own)
    wanted, second = METHODS.parts(method.name)
    if base != wanted:
        raise BadInputError(
            f"--from {place}: a model of another method",
            expected=own,
            got=method.name,
            remedy="leave --method out: it is the model's",
        )
    if method.architecture is None:
        raise BadInputError(
            f"--from {place}: {method.name} cannot begin with the weights of another training",
            remedy="leave --from out",
        )
    if "class" in {mode, artefacts} and mode != artefacts:
        raise BadInputError(
            f"--from {place}: it learned artefacts as {mode}",
            got=f"--artefacts {artefacts}",
            remedy=f"--artefacts {mode}",
        )
    # Whatever a second stage tells apart, the first tells nothing.
    _require_same_classes(place, () if stage else meaning, () if second else classes)
    # Of two stages the first has the weights that any training of the method can begin with.
    checkpoint = folder / "checkpoint" / (DETECTOR if stage else "")
    if is_ensemble(checkpoint):
        raise BadInputError(f"--from {place}: several networks", expected="a run with --models 1")
    return Start(
        place=place,
        checkpoint=checkpoint,
        method=own,
        fixed={name: settings[name] for name in method.architecture if name in settings},
        digest=digest_of(checkpoint),
    )


def _require_same_classes(place: str, meaning: Sequence[Mapping[str, Any]], classes: Sequence[str]) -> None:
    """Nothing, or a BadInputError if a network told classes of cells apart and shall not, or shall now.

    `meaning` says what its labels mean.
    """
    told = sum(not one.get("artefact") for one in meaning) > 1
    if told == bool(classes):
        return
    named = ",".join(str(one.get("name")) for one in meaning if not one.get("artefact"))
    raise BadInputError(
        f"--from {place}: it told {f'the classes {named}' if told else 'no classes of cells'} apart",
        got=f"--classes {','.join(classes)}" if classes else "a network that shall tell none",
        remedy="give --classes with the same, and no --classifier"
        if told
        else "leave --classes out, or add --classifier crops",
    )
