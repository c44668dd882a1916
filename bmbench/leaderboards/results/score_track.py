"""`bmbench leaderboard score`: every submission of a track to a result, and all of them to standings."""

import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import msgspec
import numpy as np

from bmbench.core.errors import BadInputError, UnreadableError
from bmbench.core.files import read_bytes, read_json
from bmbench.core.progress import Progress
from bmbench.core.types import Predictions
from bmbench.leaderboards.results.controls import CONTROLS, HUMAN_LINE, rater_answer
from bmbench.leaderboards.results.record import (
    SCORER_VERSION,
    CardFacts,
    Digests,
    Result,
    State,
    canonical,
    digest,
    read_result,
)
from bmbench.leaderboards.results.score_submission import Judge, judge, score
from bmbench.leaderboards.results.submission_states import settled
from bmbench.leaderboards.submissions.card import CARD_FILE, Submission
from bmbench.leaderboards.submissions.other_submissions import Others, read_others, submitter
from bmbench.leaderboards.submissions.sources import folder_files
from bmbench.leaderboards.submissions.validate import Verdict, validate
from bmbench.leaderboards.tracks.leaderboard_folder import Leaderboard
from bmbench.leaderboards.tracks.manifest import Manifest
from bmbench.leaderboards.tracks.raters import raters_of

T = TypeVar("T")
FAILED_CODE = "E901"
"""The scorer failed on a valid submission; what it said stays with the maintainers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What scoring one track needs: the board, rules with the truth, and the submissions beside."""

    board: Leaderboard
    bench: Judge
    others: Others
    truth_digest: str
    track_digest: str


def score_track(
    board: Leaderboard, manifest: Manifest, truth: Path, progress: Progress, *, afresh: bool = False
) -> tuple[Result, ...]:
    """The full results of every submission and control of a track, by id; nothing is written.

    Results whose inputs have not changed are taken from their files, unless `afresh`.

    Parameters
    ----------
    truth : Path
        The ground truth in the clear.

    Raises
    ------
    BadInputError
        If the truth is not the one that the track names.
    """
    desk = _desk(board, manifest, truth)
    # By arrival: of two that were valid when they came and are not together, the later one is refused.
    arrived = desk.others.arrived
    folders = sorted(
        board.submissions(manifest.name), key=lambda path: (arrived.get(path.name, math.inf), path.name)
    )
    stage = progress.track(folders, description=f"Scoring {manifest.name}", total=len(folders))
    results = []
    for folder in stage:
        result, card = _submission(desk, folder, afresh=afresh)
        results.append(result)
        desk = desk if card is None else replace(desk, others=_with(desk.others, card))
    results = settled(board, manifest, results)
    results += [_control(desk, id_, title, make(desk.bench)) for id_, (title, make) in CONTROLS.items()]
    results += [_control(desk, id_, HUMAN_LINE, answer) for id_, answer in _raters(desk, truth)]
    return tuple(sorted(results, key=lambda result: (result.control, result.id)))


def _desk(board: Leaderboard, manifest: Manifest, truth: Path) -> Desk:
    from bmbench.datasets.formats.coco.columns import read_ground_truth

    data = read_bytes(truth)
    if manifest.truth.visibility == "public" and digest(data) != manifest.truth.sha256:
        remedy = "restore the file, or make a new version of the track"
        raise BadInputError("is not the ground truth that the track names", where=str(truth), remedy=remedy)
    return Desk(
        board=board,
        bench=judge(manifest, read_ground_truth(truth)),
        others=_before_any(board, manifest),
        truth_digest=manifest.truth.commitment or digest(data),
        track_digest=digest(canonical(manifest)),
    )


def _before_any(board: Leaderboard, manifest: Manifest) -> Others:
    """Whose the submissions are and when they came; what they hold is added as each one is scored.

    A copy without its history, and a frozen version, has the dates that were published.
    """
    there = read_others(board, manifest.name)
    if isinstance(manifest.limits.days, msgspec.UnsetType):
        return Others(contacts=there.contacts)
    arrived = {} if board.frozen else there.arrived
    return Others(contacts=there.contacts, arrived=arrived or _published_dates(board, manifest.name))


def _published_dates(board: Leaderboard, track: str) -> dict[str, int]:
    found = {}
    for path in board.result_files(track):
        value = read_json(path)
        date = value.get("arrived") if isinstance(value, dict) else None
        if isinstance(date, str):
            found[path.stem] = int(datetime.fromisoformat(date).timestamp())
    return found


def _with(others: Others, card: Submission) -> Others:
    """The same with one more, which came next."""
    digests = {run.sha256: card.id for run in card.runs}
    submitters = {card.id: submitter(card.contacts)} if card.runs else {}
    return replace(
        others, digests={**others.digests, **digests}, submitters={**others.submitters, **submitters}
    )


def _submission(desk: Desk, folder: Path, *, afresh: bool) -> tuple[Result, Submission | None]:
    """The result of one folder, and its card if it is valid beside those before it."""
    manifest = desk.bench.manifest
    try:
        files = folder_files(folder)
    except UnreadableError:
        raise
    except BadInputError:
        return _failed(desk, folder.name, None, "E103"), None
    now = desk.others.arrived.get(folder.name)
    verdict = validate(files, manifest, folder=folder.name, others=desk.others, now=now)
    if verdict.card is None or not verdict.valid:
        return _failed(desk, folder.name, None, _first_code(verdict)), None
    card = verdict.card
    digests = _digests(desk, folder, card)
    if card.withdraws is not None:
        return _result(desk, card.id, "valid", card, digests), card
    stored = None if afresh else _stored(desk, card, digests)
    return stored or _scored(desk, folder, card, digests), card


def _first_code(verdict: Verdict) -> str:
    return verdict.problems.listed[0].code if verdict.problems.listed else "E101"


def _scored(desk: Desk, folder: Path, card: Submission, digests: Digests) -> Result:
    from bmbench.datasets.formats.predictions import read_predictions

    truth = desk.bench.truth
    try:
        answers = [(read_predictions(folder / run.predictions, truth), run.threshold) for run in card.runs]
        return _with_scores(desk, _result(desk, card.id, "published", card, digests), answers)
    except UnreadableError:
        # Trouble of this machine is no fault of the submission; the error names a file and nothing in it.
        raise
    except Exception:  # noqa: BLE001  what it says may hold ground truth: only the code goes out
        return _failed(desk, card.id, card, FAILED_CODE, digests)


def _with_scores(desk: Desk, result: Result, answers: list[tuple[Predictions, float]]) -> Result:
    metrics, rules, counts = score(desk.bench, answers)
    return msgspec.structs.replace(
        result,
        metrics=metrics,
        rules=rules,
        counts=counts,
        interval_unit=desk.bench.units.name,
        control=result.id in desk.bench.manifest.controls,
    )


def _control(desk: Desk, id_: str, title: str, predictions: Predictions) -> Result:
    result = _with_scores(desk, _result(desk, id_, "published", None, None), [(predictions, 0.0)])
    facts = CardFacts(
        method=title,
        team="control",
        family="control",
        annotations="none",
        artefacts="none",
        external_data=False,
        threshold_chosen_on="not chosen",
        n_seeds=1,
        code_url=None,
        commit=None,
        dirty=None,
        hardware=None,
        train_hours=None,
    )
    return msgspec.structs.replace(
        result,
        card=facts,
        control=True,
        digests=Digests(card="", predictions=(), track=desk.track_digest, truth=desk.truth_digest),
    )


def _raters(desk: Desk, truth: Path) -> Iterator[tuple[str, Predictions]]:
    """An id and the answer of every further rater of the track, by its own file."""
    facts = raters_of(desk.bench.manifest)
    paths = [truth.parent / rater.file for rater in facts]
    for rater, path in zip(facts, paths, strict=True):
        if digest(read_bytes(path)) != rater.sha256:
            remedy = "restore the file, or make a new version of the track"
            raise BadInputError("is not the rater that the track names", where=str(path), remedy=remedy)
    if not paths:
        return
    from bmbench.benchmark.scoring.rater_files import read_raters

    for one in read_raters(desk.bench.truth, truth, paths, protocol=desk.bench.protocol, declared=None)[1:]:
        yield one.name.removesuffix(".json"), rater_answer(desk.bench, one.truth)


def _stored(desk: Desk, card: Submission, digests: Digests) -> Result | None:
    """The result file, if it was made by this scorer from these inputs and holds the tallies and counts."""
    path = desk.board.result(desk.bench.manifest.name, card.id)
    if not path.is_file():
        return None
    try:
        result = read_result(path)
    except BadInputError:
        return None
    fits = result.digests == digests and result.scorer == SCORER_VERSION and bool(result.rules)
    if isinstance(result.counts, msgspec.UnsetType) or not fits or result.state == "failed":
        return None
    arrived = _date(desk.others.arrived.get(card.id))
    return msgspec.structs.replace(result, state="published", attempt=1, arrived=arrived, card=_facts(card))


def _digests(desk: Desk, folder: Path, card: Submission) -> Digests:
    return Digests(
        card=hashlib.sha256(read_bytes(folder / CARD_FILE)).hexdigest(),
        predictions=tuple(run.sha256 for run in card.runs),
        track=desk.track_digest,
        truth=desk.truth_digest,
    )


def _failed(
    desk: Desk, id_: str, card: Submission | None, code: str, digests: Digests | None = None
) -> Result:
    return msgspec.structs.replace(_result(desk, id_, "failed", card, digests), code=code)


def _result(desk: Desk, id_: str, state: State, card: Submission | None, digests: Digests | None) -> Result:
    manifest = desk.bench.manifest
    return Result(
        schema="bmbench.result/2",
        id=id_,
        track=manifest.name,
        track_version=manifest.version,
        scorer=SCORER_VERSION,
        state=state,
        digests=digests,
        card=None if card is None else _facts(card),
        arrived=_date(desk.others.arrived.get(id_)),
    )


def _date(seconds: int | None) -> str | msgspec.UnsetType:
    """A moment as ISO 8601 in UTC."""
    return msgspec.UNSET if seconds is None else f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _facts(card: Submission) -> CardFacts:
    cost = card.cost
    return CardFacts(
        method=card.display.method,
        team=card.display.team,
        family=card.method.family,
        annotations=card.training.annotations,
        artefacts=card.training.artefacts,
        external_data=card.training.external_data,
        settings=_settings(card),
        threshold_chosen_on=card.threshold_chosen_on,
        n_seeds=len(card.runs),
        code_url=card.method.code_url,
        commit=card.method.commit,
        dirty=card.method.dirty,
        hardware=cost.hardware if cost else None,
        train_hours=cost.train_hours if cost else None,
        ms_per_image=_said(cost.ms_per_image if cost else None),
        parameters_millions=_said(cost.parameters_millions if cost else None),
        peak_memory_gb=_said(cost.peak_memory_gb if cost else None),
        paper=_said(card.method.paper),
    )


def _said(value: T | None) -> T | msgspec.UnsetType:
    """A value of the card; left out where it has none."""
    return msgspec.UNSET if value is None else value


def _settings(card: Submission) -> str | None:
    params = card.method.params
    return digest(msgspec.json.encode(params, order="deterministic")) if params else None


def n_cells(results: tuple[Result, ...]) -> int:
    """Cells of the track's images, from any result that tells."""
    for result in results:
        for rule in result.rules.values():
            if rule.images is not None:
                return int(np.sum(rule.images.cells))
    return 0
