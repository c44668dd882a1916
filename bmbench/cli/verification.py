"""`bmbench verify`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bmbench.cli import shared_options as shared

if TYPE_CHECKING:
    from bmbench.benchmark.verify.verify import Verification


def verify(
    path: Annotated[Path, typer.Argument(help="A run, its checkpoint, a study, a search or a submission.")],
    json: shared.Json = False,
) -> None:
    """Check the digests and the scores of something finished.

    Scores are recomputed from predictions and truth. Each file that changed and
    each number that does not come out is named.
    """
    from bmbench.cli.submissions import validate

    if (path / "submission.json").is_file():
        # Its card is its manifest.
        validate(path, json=json)
        return
    from bmbench.benchmark.verify.verify import verify as look

    done = look(path)
    if json:
        import json as json_library

        typer.echo(json_library.dumps(done.to_json(), allow_nan=False))
    else:
        _print(done)
    if done.found:
        raise typer.Exit(2)


def _print(done: Verification) -> None:
    from bmbench.present.words import many

    for one in done.found:
        typer.echo(str(one))
    for note in done.notes:
        typer.echo(f"note: {note}", err=True)
    counts = f"{many(done.files, 'file')} as sealed, {many(done.numbers, 'number')} as recomputed"
    typer.echo(f"{counts}, {many(len(done.found), 'fault')}")
