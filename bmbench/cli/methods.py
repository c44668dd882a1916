"""`bmbench method new` and `check`; `bmbench methods`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bmbench.cli import shared_options as shared
from bmbench.cli.terminal import console, print_json

method_app = typer.Typer(no_args_is_help=True, help="Bring a method of your own: a package, and its checks.")


@method_app.command("new")
def new(
    name: Annotated[str, typer.Argument(help="What the package and its method are called.")],
    out: Annotated[Path, typer.Option(help="The folder that the package is made in.")] = Path(),
) -> None:
    """Write a package with a method that runs at once."""
    from bmbench.benchmark.contract.new_package import new_package

    folder, place = new_package(name, out), f"{name}.method:METHOD"
    typer.echo(f"Written: {folder} (the method is {folder / name / 'method.py'})\n")
    typer.echo(f"    cd {folder}")
    typer.echo(f"    bmbench method check {place}")
    typer.echo(f"    bmbench run --method {place}")
    typer.echo(f"    pip install -e .        # then --method {name} is enough")


@method_app.command("check")
def check(
    method: Annotated[
        str,
        typer.Argument(
            callback=shared.named_method,
            help="A name that `bmbench methods` lists, or package.module:METHOD.",
        ),
    ],
    json: shared.Json = False,
) -> None:
    """Look whether a method keeps what all promise, in seconds.

    It is fitted to drawn cells with small settings; a profile of settings called `check` says which.
    """
    from bmbench.adapters import METHODS
    from bmbench.benchmark.contract.check_method import check_method, findings_table
    from bmbench.core.console import Terminal
    from bmbench.core.progress import Silent

    found = METHODS.get(method)
    terminal = console()
    findings = check_method(found, Silent() if json else Terminal(terminal))
    if json:
        print_json([finding.to_json() for finding in findings])
    else:
        terminal.print(findings_table(found, findings))
    if any(finding.broken for finding in findings):
        raise typer.Exit(1)


def methods(
    can: Annotated[
        list[str] | None,
        typer.Option(help="Only what can: classes, artefacts, outlines, points; may be repeated."),
    ] = None,
    family: Annotated[str, typer.Option(help="Only those of this family.")] = "",
    licence: Annotated[str, typer.Option(help="Only those under this licence, as SPDX names it.")] = "",
    here: Annotated[bool, typer.Option("--here", help="Only what is installed.")] = False,
    runs: Annotated[
        Path, typer.Option(help="A folder of runs, whose times on this machine are shown.")
    ] = Path("runs"),
    markdown: Annotated[bool, typer.Option("--markdown", help="Print a table of Markdown.")] = False,
    json: shared.Json = False,
) -> None:
    """Every method, its size, what it needs, whether it is here."""
    from bmbench.benchmark.contract.list_methods import (
        WantedMethods,
        methods_markdown,
        methods_record,
        methods_table,
    )
    from bmbench.benchmark.contract.measured import seconds_a_megapixel

    wanted = WantedMethods(can=tuple(can or ()), family=family, licence=licence, here=here)
    if json:
        print_json(methods_record(wanted, seconds_a_megapixel(runs)))
    elif markdown:
        typer.echo(methods_markdown(wanted))
    else:
        console().print(methods_table(wanted, seconds_a_megapixel(runs)))
