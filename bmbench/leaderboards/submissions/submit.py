"""`bmbench submit`: a submission folder from runs or from anybody's predictions files."""

import hashlib
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bmbench.benchmark.records.run_folder import RunDir
from bmbench.benchmark.records.run_records import Environment, RunConfig, read_record
from bmbench.benchmark.records.seal import require_as_sealed
from bmbench.benchmark.scoring.recorded import RecordedRun
from bmbench.core.errors import BadInputError
from bmbench.core.files import sha256, write_bytes, writing_folder
from bmbench.core.numerals import numeral
from bmbench.leaderboards.submissions.card import CARD_FILE, CARD_SCHEMA
from bmbench.leaderboards.submissions.normalise import normalised
from bmbench.leaderboards.submissions.other_submissions import Others
from bmbench.leaderboards.submissions.sources import held_files
from bmbench.leaderboards.submissions.validate import Verdict, validate
from bmbench.leaderboards.tracks.manifest import Manifest
from bmbench.leaderboards.tracks.names import require_id

COSTS = ("hardware", "train_hours", "ms_per_image", "parameters_millions", "peak_memory_gb")
"""What a card may say of costs; all but the hardware are numbers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmittedFile:
    """One seed's predictions file and the threshold that goes with it."""

    path: Path
    seed: int
    threshold: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmissionFacts:
    """What a card says beyond the answers; every field is one of the card's."""

    name: str
    team: str
    family: str
    annotations: str
    threshold_chosen_on: str
    contacts: Sequence[str]
    artefacts: str = "background"
    external_note: str | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    code_url: str | None = None
    commit: str | None = None
    dirty: bool | None = None
    paper: str | None = None
    hardware: str | None = None
    train_hours: float | None = None
    ms_per_image: float | None = None
    parameters_millions: float | None = None
    peak_memory_gb: float | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    declared: bool = False
    supersedes: str | None = None


def submit(
    answers: Sequence[SubmittedFile],
    facts: SubmissionFacts,
    manifest: Manifest,
    *,
    folder: Path,
    others: Others | None = None,
) -> Verdict:
    """The verdict on a new submission; its folder appears whole, and only if nothing is wrong with it.

    Raises
    ------
    BadInputError
        If the folder is there already, its name cannot be an id, or a predictions file cannot be read.
    """
    require_id(folder.name)
    if folder.exists() and any(folder.iterdir()):
        raise BadInputError("is not empty", where=str(folder), remedy="choose another --id")
    truth = folder.resolve().parent.parent.parent / "tracks" / manifest.name / manifest.truth.file
    files = {
        f"predictions-s{answer.seed}.json": normalised(answer.path, manifest, truth) for answer in answers
    }
    if len(files) < len(answers):
        raise BadInputError("two answers have the same seed", remedy="give each its own: --seed")
    runs = [
        {
            "seed": answer.seed,
            "predictions": name,
            "sha256": hashlib.sha256(data).hexdigest(),
            "threshold": answer.threshold,
        }
        for answer, (name, data) in zip(answers, files.items(), strict=True)
    ]
    files[CARD_FILE] = card_text(_card(folder.name, facts, manifest, runs))
    verdict = validate(held_files(files), manifest, folder=folder.name, others=others)
    if verdict.valid:
        with writing_folder(folder) as aside:
            for name, data in files.items():
                write_bytes(aside / name, data)
    return verdict


def parsed_costs(texts: Sequence[str]) -> dict[str, Any]:
    """What a method costs, from texts like ``ms_per_image=120``: facts of `SubmissionFacts` by name.

    Raises
    ------
    BadInputError
        If one is no cost of a card, or its value is no positive number.
    """
    found: dict[str, Any] = {}
    for text in texts:
        name, sign, value = text.partition("=")
        if name not in COSTS or not sign or not value:
            raise BadInputError(f"--cost {text}", expected=", ".join(f"{one}=VALUE" for one in COSTS))
        found[name] = value if name == "hardware" else _positive(text, value)
    return found


def _positive(text: str, value: str) -> float:
    try:
        number = float(numeral(value))
    except ValueError:
        number = 0.0
    if not 0 < number < math.inf:
        raise BadInputError(f"--cost {text}", expected="a number above 0", got=value)
    return number


def write_card(folder: Path, card: Mapping[str, Any]) -> None:
    """Write the card of a submission."""
    write_bytes(folder / CARD_FILE, card_text(card))


def card_text(card: Mapping[str, Any]) -> bytes:
    """A card as its file holds it."""
    return f"{json.dumps(card, indent=2, ensure_ascii=False, allow_nan=False)}\n".encode()


def _card(id_: str, facts: SubmissionFacts, manifest: Manifest, runs: list[dict[str, Any]]) -> dict[str, Any]:
    cost = {name: getattr(facts, name) for name in COSTS if getattr(facts, name) is not None}
    return {
        "schema": CARD_SCHEMA,
        "id": id_,
        "question": {
            "track": manifest.name,
            "version": manifest.version,
            "data_sha256": manifest.data.sha256,
        },
        "display": {"method": facts.name, "team": facts.team},
        "method": {
            "family": facts.family,
            "params": dict(facts.params),
            "code_url": facts.code_url,
            "commit": facts.commit,
            "dirty": facts.dirty,
            "paper": facts.paper,
        },
        "training": {
            "annotations": facts.annotations,
            "artefacts": facts.artefacts,
            "external_data": facts.external_note is not None,
            "external_note": facts.external_note,
        },
        "threshold_chosen_on": facts.threshold_chosen_on,
        "runs": runs,
        "cost": cost if facts.hardware else None,
        "environment": dict(facts.environment),
        "contacts": list(facts.contacts),
        "declarations": dict.fromkeys(
            ("rules_accepted", "test_not_used", "publication_allowed"), facts.declared
        ),
        "supersedes": facts.supersedes,
        "withdraws": None,
    }


def read_run(path: Path, manifest: Manifest) -> tuple[SubmittedFile, dict[str, Any]]:
    """The answer in a run directory, and what the run knows of the card's facts (see `SubmissionFacts`).

    Raises
    ------
    BadInputError
        If the run did not end, was changed since, or was made on other data than the track's.
    """
    folder = RunDir.open(path)
    require_as_sealed(folder.check_seal("*.json"))
    config, metrics = folder.config(), read_record(path / "metrics.json", RecordedRun)
    hidden = manifest.truth.visibility == "hidden"  # its data is named by a digest that no run can have
    if config.data_hash != manifest.data.sha256 and not hidden and not _has_truth_of(folder, manifest):
        raise BadInputError(
            "the run was made on other data than the track's",
            where=f"{path}/config.json, data_hash",
            expected=manifest.data.sha256[:12] + "…",
            got=config.data_hash[:12] + "…",
            remedy="run the method on the track's data set, version and seed of the split included",
        )
    rule = manifest.metrics[0].partition(".")[0]
    scores = metrics.rules.get(rule) or metrics.cd or metrics.bb
    threshold = 0.0 if scores is None else scores.threshold or 0.0
    chosen = metrics.threshold_source
    answer = SubmittedFile(path=folder.predictions("test"), seed=config.seed, threshold=threshold)
    return answer, _run_facts(folder.environment(), config) | {
        "threshold_chosen_on": "optimisation" if chosen == "optimisation" else "not chosen",
        "train_hours": round(folder.times().seconds.get("fit", 0.0) / 3600, 4),
    }


def _has_truth_of(run: RunDir, manifest: Manifest) -> bool:
    """Whether a track that was made from a truth file alone was made from this run's."""
    truth = run.truth("test")
    return truth.is_file() and sha256(truth) == manifest.data.sha256


def _run_facts(environment: Environment, config: RunConfig) -> dict[str, Any]:
    code = environment.code
    settings = {
        name: value
        for name, value in config.settings.items()
        if value is None or isinstance(value, (bool, int, float, str))
    }
    packages = dict(environment.packages)
    packages |= {one.package: str(one.version) for one in config.plugin.values() if one.package}
    machine = f"{environment.machine} - {environment.cpus or '?'} CPU"
    method = config.method
    leaks = {"leaks_allowed": len(config.leaks)} if config.leaks else {}
    return {
        "family": _family(method),
        "name": method,
        "params": settings | {"profile": config.profile.name} | leaks,
        "annotations": _annotations(config),
        "artefacts": config.artefacts,
        "commit": None if code is None else code.commit,
        "dirty": None if code is None else code.dirty,
        "hardware": re.sub(r"[^\w .+()-]", "-", machine),
        "environment": {
            "bmbench": environment.bmbench,
            "python": environment.python,
            "system": environment.system,
        }
        | packages,
    }


def _annotations(config: RunConfig) -> str:
    """What a card says that a run learned from: circles that somebody drew are weak annotations too."""
    track = config.track.name
    if track != "drawn":
        return track
    shapes = config.learned.shapes
    return "weak" if shapes.get("circles") and not shapes.get("outlines") else "precise"


def _family(method: str) -> str:
    """The family of a method; "other" where it is not known here, or cannot be loaded."""
    from bmbench.adapters import METHODS

    try:
        return re.sub(r"[^\w .+()-]", " ", METHODS.get(method).family)
    except BadInputError:
        return "other"
