"""The same six test patches for every submission: what was found, missed and invented there.

They are written where anybody has the ground truth already: on public tracks whose truth lies in the
repository. The patches are chosen from the truth alone, so no submission moves them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias

import msgspec
import numpy as np
from msgspec import Struct

from bmbench.core.files import read_bytes
from bmbench.core.misfits import misfit_error
from bmbench.core.types import Floats, GroundTruth, Role
from bmbench.leaderboards.results.record import Result
from bmbench.leaderboards.results.score_submission import Judge
from bmbench.leaderboards.results.standings import MOST_SHOWN
from bmbench.leaderboards.results.standings_record import Standings
from bmbench.leaderboards.submissions.card import CARD_FILE, Submission
from bmbench.leaderboards.tracks.leaderboard_folder import Leaderboard
from bmbench.leaderboards.tracks.manifest import Manifest

N_PATCHES = 6
_CELLS_ACROSS = 6
"""Mean cell diameters that a patch is wide."""
_LEAST_PX = 48
Mark: TypeAlias = tuple[float, float, float, float]
"""Left, top, width and height in pixels of the patch."""


class Patch(Struct, frozen=True, kw_only=True):
    """A square of a test image; `row` is that of the track's images."""

    row: int
    x: int
    y: int
    size: int
    cells: tuple[Mark, ...]


class PatchMarks(Struct, frozen=True, kw_only=True):
    """What one submission did on one patch: cells found and missed, and false alarms."""

    hits: tuple[Mark, ...]
    misses: tuple[Mark, ...]
    false_alarms: tuple[Mark, ...]


class Patches(Struct, frozen=True, kw_only=True):
    """The patches of a track, and what its best submissions did there, by id; of each the first seed."""

    schema: Literal["bmbench.patches/1"]
    track: str
    rule: Literal["cd", "bb"]
    patches: tuple[Patch, ...]
    answers: dict[str, tuple[PatchMarks, ...]]


def read_patches(path: Path) -> Patches | None:
    """A file of patches; None where there is none, BadInputError if it is something else."""
    if not path.is_file():
        return None
    try:
        return msgspec.json.decode(read_bytes(path), type=Patches)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        remedy = "make it anew: bmbench leaderboard score"
        raise misfit_error(error, "not patches", where=path, remedy=remedy) from None


def may_be_shown(board: Leaderboard, manifest: Manifest) -> bool:
    """Whether patches of a track show nothing that the repository does not hold anyway."""
    inside = board.path / "tracks" / manifest.name / manifest.truth.file
    return manifest.truth.visibility == "public" and inside.is_file()


def patches_of(board: Leaderboard, bench: Judge, table: Standings, results: Sequence[Result]) -> Patches:
    """The patches of a track and what its best submissions, and its controls with predictions, did there."""
    manifest = bench.manifest
    rule: Literal["cd", "bb"] = "bb" if manifest.metrics[0].startswith("bb") else "cd"
    best = [place.id for place in table.metrics[0].places[:MOST_SHOWN]] if table.metrics else []
    controls = [one.id for one in results if one.control and one.state == "published"]
    folders = {id_: board.submission(manifest.name, id_) for id_ in (*best, *controls)}
    chosen = choose_patches(bench.truth, manifest)
    answers = {
        id_: _marks(bench, folder, rule, chosen)
        for id_, folder in folders.items()
        if (folder / CARD_FILE).is_file()
    }
    return Patches(
        schema="bmbench.patches/1", track=manifest.name, rule=rule, patches=chosen, answers=answers
    )


def choose_patches(truth: GroundTruth, manifest: Manifest) -> tuple[Patch, ...]:
    """Six squares: of each unit in turn the image with most cells, and of it the place with most of them."""
    cells = truth.role == Role.CELL
    if not cells.any():
        return ()
    diameter = float(np.median((truth.box[cells][:, 2:] - truth.box[cells][:, :2]).mean(axis=1)))
    wanted = max(round(_CELLS_ACROSS * (diameter or manifest.rules.radius_px or 10)), _LEAST_PX)
    found = []
    for row in _image_rows(truth, manifest)[:N_PATCHES]:
        image = manifest.images[row]
        size = min(wanted, image.width, image.height)
        box = truth.box[cells & (truth.image == row)]
        x, y = _densest((box[:, :2] + box[:, 2:]) / 2, size, (image.width, image.height))
        found.append(Patch(row=row, x=x, y=y, size=size, cells=_inside(box, x, y, size)))
    return tuple(found)


def _image_rows(truth: GroundTruth, manifest: Manifest) -> list[int]:
    """The images in turns over the units, those with most cells first."""
    n_cells = np.bincount(truth.image[truth.role == Role.CELL], minlength=len(manifest.images))
    units: dict[str, list[int]] = {}
    for row, unit in enumerate(manifest.unit_names):
        units.setdefault(unit, []).append(row)
    for rows in units.values():
        rows.sort(key=lambda row: (-int(n_cells[row]), row))
    rounds = max(len(rows) for rows in units.values())
    return [rows[turn] for turn in range(rounds) for rows in units.values() if turn < len(rows)]


def _densest(centre: Floats, size: int, limits: tuple[int, int]) -> tuple[int, int]:
    """The corner of the square around a cell that holds most centres; the first of equal ones."""
    most, best = -1, (0, 0)
    for x, y in centre:
        left = int(min(max(x - size / 2, 0), limits[0] - size))
        top = int(min(max(y - size / 2, 0), limits[1] - size))
        n = int(((centre >= (left, top)) & (centre < (left + size, top + size))).all(axis=1).sum())
        if n > most:
            most, best = n, (left, top)
    return best


def _inside(box: Floats, x: int, y: int, size: int) -> tuple[Mark, ...]:
    """The boxes whose centre lies in a square, in its pixels; points have no width."""
    centre = (box[:, :2] + box[:, 2:]) / 2
    kept = box[((centre >= (x, y)) & (centre < (x + size, y + size))).all(axis=1)]
    marks = np.concatenate([kept[:, :2] - (x, y), kept[:, 2:] - kept[:, :2]], axis=1)
    return tuple((a, b, c, d) for a, b, c, d in np.round(marks, 1).tolist())


def _marks(bench: Judge, folder: Path, rule: str, chosen: Sequence[Patch]) -> tuple[PatchMarks, ...]:
    from bmbench.benchmark.drawing.gallery import overlays_of
    from bmbench.datasets.formats.predictions import read_predictions
    from bmbench.metrics.evaluation import evaluate

    card = msgspec.json.decode(read_bytes(folder / CARD_FILE), type=Submission)
    run = min(card.runs, key=lambda one: one.seed)
    predictions = read_predictions(folder / run.predictions, bench.truth)
    found = evaluate(bench.truth, predictions, bench.protocol, threshold=run.threshold)
    scores = found.bb if rule == "bb" else found.cd
    assert scores is not None
    overlays = list(overlays_of(bench.truth, predictions, scores).values())
    return tuple(
        PatchMarks(
            hits=_inside(overlays[patch.row].hit, patch.x, patch.y, patch.size),
            misses=_inside(overlays[patch.row].miss, patch.x, patch.y, patch.size),
            false_alarms=_inside(overlays[patch.row].false_alarm, patch.x, patch.y, patch.size),
        )
        for patch in chosen
    )


def plain_patches(patches: Patches, ids: Mapping[str, object]) -> dict[str, Any]:
    """What the compare page draws: the patches, and the marks of these submissions."""
    return {
        "patches": [msgspec.to_builtins(patch) for patch in patches.patches],
        "answers": {
            id_: [[one.hits, one.misses, one.false_alarms] for one in marks]
            for id_, marks in patches.answers.items()
            if id_ in ids
        },
    }
