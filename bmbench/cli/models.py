"""`bmbench models`."""

from __future__ import annotations

from typing import Annotated

import typer

from bmbench.cli import shared_options as shared
from bmbench.cli.terminal import console, print_json


def models(
    name: Annotated[
        str | None,
        typer.Argument(help="A model whose card is shown: a name, or a folder.", show_default=False),
    ] = None,
    json: shared.Json = False,
) -> None:
    """List models that come with bmbench; show a card.

    `--model NAME` takes one wherever `--run` takes a run.
    """
    from bmbench.benchmark.models.places import find_model
    from bmbench.benchmark.models.table import card_parts, model_record, models_record, models_table

    if name is None:
        print_json(models_record()) if json else console().print(models_table())
        return
    folder = find_model(name)
    if json:
        print_json(model_record(folder))
        return
    for part in card_parts(folder):
        console().print(part)
