"""`bmbench leaderboard hide`, `rekey` and `retire`: the life of a hidden ground truth."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast, get_args

import typer

if TYPE_CHECKING:
    from bmbench.leaderboards.tracks.leaderboard_folder import Leaderboard
    from bmbench.leaderboards.tracks.manifest import Manifest, MetricName

BoardArgument = Annotated[Path, typer.Argument(help="The folder that holds tracks/ and submissions/.")]
KeyOption = Annotated[Path | None, typer.Option(help="The age identity that opens hidden ground truth.")]
RecipientOption = Annotated[
    list[str], typer.Option(help="An age public key, age1…; once for each key that is to open it.")
]


def hide(
    board: BoardArgument,
    track: Annotated[str, typer.Option(help="The track whose truth is to be hidden.")],
    recipient: RecipientOption,
    metric: Annotated[
        list[str] | None, typer.Option(help="A metric to publish, the first one ranks.  [default: the first]")
    ] = None,
    bits: Annotated[
        float, typer.Option(min=1, max=64, help="What one submission may tell of the truth at most, in bits.")
    ] = 8.0,
    attempts: Annotated[
        int, typer.Option(min=1, help="Answers that one login may hand in within --days.")
    ] = 5,
    attempts_of_all: Annotated[int, typer.Option(min=1, help="Answers of all logins together.")] = 40,
    days: Annotated[int, typer.Option(min=1, max=3650, help="The time that attempts are counted in.")] = 30,
) -> None:
    """Encrypt a track's ground truth and commit to it.

    This comes before the truth was ever in the repository. Scores get noise so that no more than --bits can
    be learnt from one.
    """
    import msgspec

    from bmbench.leaderboards.results.hidden_truth import HideWishes
    from bmbench.leaderboards.results.hidden_truth import hide as hide_truth
    from bmbench.leaderboards.tracks.leaderboard_folder import Leaderboard

    place = Leaderboard(board)
    limits = msgspec.structs.replace(
        place.manifest(track).limits, attempts=attempts, attempts_of_all=attempts_of_all, days=days
    )
    wishes = HideWishes(recipients=recipient, metrics=_metrics(metric), bits=bits, limits=limits)
    worth = _cells(place, track)
    manifest = hide_truth(place, track, wishes)
    typer.echo(f"Commitment: {manifest.truth.commitment}")
    for line in _leaks(manifest, *worth):
        typer.echo(line)


def _metrics(names: list[str] | None) -> tuple[MetricName, ...]:
    """The names, which are metrics; UnknownNameError for the first that is none."""
    from bmbench.core.errors import UnknownNameError
    from bmbench.leaderboards.tracks import manifest

    known = get_args(manifest.MetricName)
    for name in names or ():
        if name not in known:
            raise UnknownNameError("metric", name, known)
    return cast("tuple[MetricName, ...]", tuple(names or ()))


def _cells(board: Leaderboard, track: str) -> tuple[int, float]:
    """How many cells a track has, and the bits that the place of one is worth."""
    from bmbench.core.types import Role
    from bmbench.datasets.formats.coco.columns import read_ground_truth
    from bmbench.leaderboards.results.leakage_budget import cell_bits
    from bmbench.leaderboards.results.score_submission import judge

    manifest = board.manifest(track)
    truth = read_ground_truth(board.truth(manifest))
    n = int((truth.role == Role.CELL).sum())
    area = float(sum(image.width * image.height for image in manifest.images))
    return n, cell_bits(area, n, judge(manifest, truth).protocol.radius_px or 55.0)


def _leaks(manifest: Manifest, n_cells: int, worth: float) -> tuple[str, ...]:
    """The budget in words: what is published, and what it can tell at most."""
    from bmbench.leaderboards.results.leakage_budget import leakage, noise_of
    from bmbench.present.words import many

    budget, truth, limits = leakage(manifest), manifest.truth, manifest.limits
    noise, step = f"{100 * noise_of(manifest):.2g}", f"{100 * truth.step:g}"
    attempts = f"{many(limits.attempts or 0, 'attempt')} in {limits.days} days"
    published = (
        f"Published: {', '.join(manifest.metrics)} in steps of {step} points, with noise of {noise} (sd)"
    )
    each = f"Tells at most: {budget.submission:.1f} bits a submission"
    learnt = f"{min(12 * (budget.login or 0) / worth, n_cells):.0f} of {n_cells:,} in a year"
    together = f"{budget.everybody:.0f} to all together ({limits.attempts_of_all})"
    return (
        f"{published}; nothing by seed, image or rule. Exact when the track retires.",
        f"{each}; in 30 days {budget.login:.0f} to one login ({attempts}), {together}.",
        f"A cell's place is worth {worth:.1f} bits: one login learns at most {learnt}.",
    )


def rekey(
    board: BoardArgument,
    track: Annotated[str, typer.Option(help="The hidden track.")],
    key: Annotated[Path, typer.Option(help="An age identity that opens it now.")],
    recipient: RecipientOption,
) -> None:
    """Give a hidden truth to other keys.

    What was committed to stays the same. Old keys still open what is in the history.
    """
    from bmbench.leaderboards.results.hidden_truth import rekey as give
    from bmbench.leaderboards.tracks.leaderboard_folder import Leaderboard
    from bmbench.present.words import many

    give(Leaderboard(board), track, key, recipient)
    typer.echo(f"Track {track}: {many(len(recipient), 'key')} can open its truth from now on")


def retire(
    board: BoardArgument,
    track: Annotated[str, typer.Option(help="The hidden track that retires.")],
    key: Annotated[Path, typer.Option(help="The age identity.")],
) -> None:
    """Open the truth of a track, which takes no submissions any more.

    It is a public track from then on: score it once more, and its numbers are exact; everybody can verify
    them.
    """
    from bmbench.leaderboards.results.hidden_truth import retire as open_truth
    from bmbench.leaderboards.tracks.leaderboard_folder import Leaderboard

    manifest = open_truth(Leaderboard(board), track, key)
    typer.echo(f"Track {manifest.name} is retired; its truth is what it committed to.")
    typer.echo(f"Its numbers become exact with: bmbench leaderboard score {board}")
