"""The `bmbench` command: each command parses, calls one function and prints.

::

    shared_options  options that several commands share
    help            help in groups, faults of a command line in one dialect
    starting        build the command that is asked for alone, load no checker for plain values
    terminal        where commands print, and how they end when somebody stops them
    runs            run, redecode, test, artefacts
    methods         methods, method …
    models          models
    tuning          tune
    reproduce       reproduce
    budget          budget
    suites          suite …
    prediction      predict
    counting        count
    crops           crops
    scores          score, compare
    finished        table, view, report
    verification    verify
    datasets        datasets …
    answers         datasets answers
    submissions     submit, validate
    leaderboards    leaderboard …
    hidden_tracks   leaderboard hide, rekey, retire
    container_lane  leaderboard evaluate
"""

from __future__ import annotations

import atexit
import io
import sys
import warnings
from typing import Annotated

import typer

import bmbench
from bmbench.cli.answers import answers
from bmbench.cli.budget import budget
from bmbench.cli.counting import count
from bmbench.cli.crops import crops
from bmbench.cli.datasets import app as datasets_app
from bmbench.cli.finished import report, table, view
from bmbench.cli.help import GroupedCommands, UsageFault, usage_sentence
from bmbench.cli.leaderboards import leaderboard_app
from bmbench.cli.methods import method_app, methods
from bmbench.cli.models import models
from bmbench.cli.prediction import predict
from bmbench.cli.reproduce import reproduce
from bmbench.cli.runs import apply_to_other_sets, artefacts, redecode, run
from bmbench.cli.scores import compare, score
from bmbench.cli.starting import asked, counting_alone, leave_soon
from bmbench.cli.submissions import submit, validate
from bmbench.cli.suites import suite_app
from bmbench.cli.terminal import print_any_sign
from bmbench.cli.tuning import tune
from bmbench.cli.verification import verify
from bmbench.core.errors import BmbenchError, BmbenchWarning

app = typer.Typer(
    name="bmbench",
    cls=GroupedCommands,
    help="Benchmark the localisation of haematopoietic cells in bone-marrow microscopy.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:  # noqa: FBT001
    if asked:
        typer.echo(f"bmbench {bmbench.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Benchmark the localisation of haematopoietic cells in bone-marrow microscopy."""


for _command in (
    run,
    tune,
    reproduce,
    budget,
    redecode,
    count,
    predict,
    crops,
    score,
    compare,
    verify,
    artefacts,
    table,
    view,
    report,
    submit,
    validate,
    methods,
    models,
):
    app.command()(_command)
app.command("test")(apply_to_other_sets)
datasets_app.command()(answers)
app.add_typer(method_app, name="method")
app.add_typer(suite_app, name="suite")
app.add_typer(datasets_app, name="datasets")
app.add_typer(leaderboard_app, name="leaderboard")


_in_full = warnings.formatwarning


def _warning(
    message: Warning | str, category: type[Warning], filename: str, lineno: int, line: str | None = None
) -> str:
    """A warning of bmbench in one line; of others with the place in the code."""
    if issubclass(category, BmbenchWarning):
        return f"warning: {message}\n"
    return _in_full(message, category, filename, lineno, line)


def main() -> None:
    """The entry point: a failure is one sentence and an exit code; `--debug` shows where it arose."""
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]
    warnings.formatwarning = _warning
    print_any_sign()
    atexit.register(leave_soon)
    try:
        try:
            with counting_alone(arguments):
                code = asked(app, arguments)(args=arguments, prog_name="bmbench", standalone_mode=False)
        finally:
            sys.stdout.flush()
    except UsageFault as error:
        if type(error).__name__ == "NoArgsIsHelpError":
            error.show()
        else:
            typer.echo(f"error: {usage_sentence(error, arguments)}", err=True)
        sys.exit(error.exit_code)
    except typer.Abort:
        sys.exit(1)
    except BmbenchError as error:
        if "--debug" in sys.argv:
            raise
        typer.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)
    except (OSError, UnicodeError, MemoryError, RecursionError) as error:
        if "--debug" in sys.argv:
            raise
        typer.echo(f"error: {_last_words(error)} (--debug shows where)", err=True)
        # What could not be printed is not tried once more at the end of the process.
        sys.stdout = io.StringIO()
        sys.exit(1)
    sys.exit(code if isinstance(code, int) else 0)


def _last_words(error: Exception) -> str:
    """What a failure means that no command has foreseen."""
    if isinstance(error, MemoryError):
        return "there is not enough memory for this"
    if isinstance(error, RecursionError):
        return "something is nested too deeply"
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename is not None else ""
        return f"{where}the system refuses ({error.strerror or error})"
    return f"a text cannot be read or written ({error})"
