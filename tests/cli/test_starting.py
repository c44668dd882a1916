"""How a command starts: what is spared gives the same command lines, values, helps and faults."""

import gc
import os
import subprocess
import sys
from typing import Any

import pytest
import typer
from typer.main import get_command

from bmbench.cli import app
from bmbench.cli.starting import asked, counting_alone

BLAS = "OPENBLAS_NUM_THREADS"
WHOLE = get_command(app)
TEXTS = ("", "a", "a/../b.json", "~", "ä", "10", "\udcff", __file__, "/")


def _outcome(coercion: Any, value: Any, param: Any, ctx: Any) -> Any:
    """The value and its type, or what is said against it."""
    try:
        made = coercion.coerce(value, param=param, ctx=ctx)
    except typer.BadParameter as error:
        return str(error)
    return [(type(one), one) for one in made] if isinstance(made, list | tuple) else (type(made), made)


def _params(command: Any, ctx: Any) -> list[Any]:
    below = [one for part in getattr(command, "commands", {}).values() for one in _params(part, ctx)]
    return [*command.get_params(ctx), *below]


def test_plain_values_are_what_the_checker_of_types_makes_of_them():
    ctx = typer.Context(WHOLE)
    known = [param for param in _params(WHOLE, ctx) if hasattr(param, "get_runtime_param")]
    for param in known:
        checked, spared = type(param).get_runtime_param(param), param.get_runtime_param()
        assert spared is not checked
        for text in (None, *TEXTS):
            value = [text, text] if text is not None and (param.multiple or param.nargs == -1) else text
            assert _outcome(spared, value, param, ctx) == _outcome(checked, value, param, ctx), param.name


@pytest.mark.skipif(not hasattr(WHOLE.params[0], "get_runtime_param"), reason="typer checks in another way")
@pytest.mark.parametrize(("option", "kind"), [("--max-detections", "a whole number"), ("--iou", "a number")])
def test_what_only_python_takes_for_a_number_is_refused(bmbench, option, kind):
    answer = bmbench("score", "none.json", "--truth", "none.json", option, "0_1")
    assert (answer.code, answer.out) == (2, "")
    assert answer.err == f"error: {option} 0_1: not {kind}; see bmbench score --help\n"


def test_a_path_that_may_not_be_read_is_refused_as_before(bmbench, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    refused = bmbench("score", tmp_path, "--truth", tmp_path)
    assert refused.code == 2
    assert "is not readable" in refused.err


def test_scoring_loads_no_checker_of_types():
    asking = (
        "import sys; from bmbench.cli import main\n"
        "sys.argv = ['bmbench', 'score', 'none.json', '--truth', 'none.json']\n"
        "try: main()\n"
        "except SystemExit as end: print(end.code, 'pydantic' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", asking], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["2", "False"], done.stderr


@pytest.mark.parametrize("name", sorted(WHOLE.commands))
def test_a_command_alone_is_what_it_is_among_all(name):
    lone, whole = get_command(asked(app, [name, "--help"])), WHOLE
    assert list(lone.commands) == [name]
    ctx = typer.Context(whole, info_name="bmbench")
    helps = [
        one.commands[name].get_help(typer.Context(one.commands[name], parent=ctx)) for one in (lone, whole)
    ]
    assert helps[0] == helps[1]
    assert [param.name for param in lone.params] == [param.name for param in whole.params]


@pytest.mark.parametrize("arguments", [[], ["--help"], ["scores"], ["--version", "score"]])
def test_what_names_no_command_is_asked_of_all(arguments):
    assert asked(app, arguments) is app


def test_commands_that_only_count_leave_the_process_as_it_was(monkeypatch):
    monkeypatch.delenv(BLAS, raising=False)
    for words, threads in ((["score", "a"], "1"), (["compare"], "1"), (["run"], None), ([], None)):
        with counting_alone(words):
            assert (os.environ.get(BLAS), gc.isenabled()) == (threads, threads is None), words
        assert (os.environ.get(BLAS), gc.isenabled()) == (None, True)
    with counting_alone(["score", "--metric", "of another package"]):
        assert os.environ.get(BLAS) is None
    monkeypatch.setenv(BLAS, "4")
    with counting_alone(["score"]):
        assert os.environ[BLAS] == "4"
