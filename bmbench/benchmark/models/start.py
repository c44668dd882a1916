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
from bmbench.benchmark.protocol.classes import classes_from_json
from bmbench.benchmark.records.run_folder import RunDir
from bmbench.benchmark.records.seal import require_as_sealed
from bmbench.benchmark.records.trained_run import digest_of
from bmbench.core.errors import BadInputError
from bmbench.core.types import Category


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
    classes : tuple of str
        The classes of cells that the network tells apart, in the order of its answers; () if none.
    """

    place: str
    checkpoint: Path
    method: str
    fixed: Mapping[str, Any]
    digest: str
    classes: tuple[str, ...] = ()

    def facts(self) -> dict[str, str]:
        """What a run's configuration says about it."""
        return {"model": self.place, "sha256": self.digest}


def start_method(place: str) -> str:
    """The method of the model or run that `--from` names; the errors of `find_model`."""
    folder = find_model(place)
    return read_model(folder).method if is_model(folder) else RunDir.open(folder).config().method


def read_start(place: str, method: Method, *, artefacts: str) -> Start:
    """The model or run that `--from` names, if a training of this method can begin with it.

    Raises
    ------
    BadInputError
        If it is neither, was changed, is of another method or of several networks, learned artefacts in
        another way, or if the method cannot begin with weights.
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
    if base != METHODS.parts(method.name)[0]:
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
        # Whatever a second stage tells apart, the first tells nothing.
        classes=() if stage else _cells(meaning),
    )


def require_same_classes(start: Start, method: Method, classes: Sequence[Category]) -> None:
    """Nothing, or a BadInputError if the network told other classes of cells apart than are to be taught.

    Names and their order are compared: an answer's number means nothing else.
    """
    second = METHODS.parts(method.name)[1]
    wanted = () if second else tuple(one.name for one in classes)
    if start.classes == wanted:
        return
    if not start.classes:
        remedy = "leave --classes out, or add --classifier crops"
    elif wanted:
        remedy = "leave --from out, or give the data set these classes in this order"
    else:
        remedy = "give --classes with the same, and no --classifier"
    raise BadInputError(
        f"--from {start.place}: it told {_named(start.classes)} apart",
        got=f"a network that shall tell {_named(wanted)}",
        remedy=remedy,
    )


def _named(classes: Sequence[str]) -> str:
    return f"the classes {','.join(classes)}" if classes else "no classes of cells"


def _cells(meaning: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """The names of several classes of cells, of what labels mean; () where a cell is a cell."""
    names = tuple(one.name for one in classes_from_json(meaning) if not one.artefact)
    return names if len(names) > 1 else ()
