"""`bmbench suite …`: many methods on many data sets, and one report of it."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bmbench.cli import shared_options as shared
from bmbench.cli.terminal import console, listener, print_json, stoppable

if TYPE_CHECKING:
    from bmbench.benchmark.suite.archive import PackedSet
    from bmbench.benchmark.suite.plan import SuiteOptions
    from bmbench.benchmark.suite.run import SuiteSummary

suite_app = typer.Typer(help="Many methods on many data sets, and one report of it.", no_args_is_help=True)
SuiteFile = Annotated[Path, typer.Argument(help="The suite: its file (TOML), or marrow.", show_default=False)]
Folder = Annotated[Path, typer.Option(help="The folder of the suite's runs and of its report.")]
Data = Annotated[
    list[str] | None,
    typer.Option("--data", help="Where a set of the suite lies: NAME=FOLDER; may be repeated."),
]
Root = Annotated[
    Path | None,
    typer.Option(help="Where the sets lie in the folders that the suite names.", show_default=False),
]


@suite_app.command("run")
def run_suite(
    suite: SuiteFile,
    out: Folder = Path("suite"),
    data: Data = None,
    data_root: Root = None,
    only: Annotated[str | None, typer.Option(help="Sets with commas.  [default: all]")] = None,
    methods: Annotated[str | None, typer.Option(help="Methods with commas in place of the suite's.")] = None,
    lite: Annotated[bool, typer.Option("--lite", help="A first look: few methods, one seed.")] = False,
    jobs: Annotated[int, typer.Option(min=1, help="Runs side by side, one core each.")] = 1,
    cluster: shared.Cluster = None,
    redo_changed: Annotated[
        bool, typer.Option("--redo-changed", help="Delete finished runs that were changed; make them anew.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the runs and the time, do nothing.")
    ] = False,
    json: shared.Json = False,
) -> None:
    """Run every method of a suite on every set, fold and seed.

    The same command resumes where a killed one stood; `bmbench suite report` says what came out.
    """
    from bmbench.benchmark.records.options import parse_list, parse_pairs
    from bmbench.benchmark.suite.plan import SuiteOptions
    from bmbench.benchmark.suite.suite_file import read_suite

    options = SuiteOptions(
        suite=read_suite(suite),
        out=out,
        folders={name: Path(path) for name, path in parse_pairs(data or [], option="--data").items()},
        root=data_root,
        only=parse_list(only, option="--only") if only else (),
        methods=tuple(map(shared.named_method, parse_list(methods, option="--methods"))) if methods else (),
        lite=lite,
        jobs=jobs,
        cluster=cluster,
        redo_changed=redo_changed,
    )
    if dry_run:
        _preview(options, json=json)
    else:
        _run(options, f"bmbench suite report {suite} --out {out}", json=json)


@suite_app.command("report")
def report_suite(suite: SuiteFile, out: Folder = Path("suite"), json: shared.Json = False) -> None:
    """Write the report of what is finished: report.md, report.html."""
    from bmbench.benchmark.suite.report.report import write_suite_report
    from bmbench.benchmark.suite.suite_file import read_suite

    written = write_suite_report(read_suite(suite), out, _ignore if json else _say)
    if json:
        print_json({"report": str(written)})
    else:
        _say(f"Report: {written}")


@suite_app.command("pack")
def pack_suite(
    suite: SuiteFile,
    out: Folder = Path("suite"),
    to: Annotated[Path, typer.Option(help="The folder of the archives, SET/s0.tar.xz.")] = Path("results"),
    json: shared.Json = False,
) -> None:
    """Keep the results of finished runs in small archives.

    One a set and seed: answers with truths, scores and times; no weights, pictures and outlines.
    """
    from bmbench.benchmark.suite.archive import pack_suite as pack_all
    from bmbench.benchmark.suite.suite_file import read_suite

    _tell_packed(pack_all(read_suite(suite), out, to), "packed", json=json)


@suite_app.command("unpack")
def unpack_suite(
    suite: SuiteFile,
    source: Annotated[Path, typer.Argument(help="The folder of the archives.", show_default=False)],
    out: Folder = Path("suite"),
    data: Data = None,
    data_root: Root = None,
    json: shared.Json = False,
) -> None:
    """Put packed results back into the folder of a suite.

    There they can be reported, and run on; runs that are in the folder stay as they are.
    """
    from bmbench.benchmark.records.options import parse_pairs
    from bmbench.benchmark.suite.archive import unpack_suite as unpack_all
    from bmbench.benchmark.suite.suite_file import read_suite

    folders = {name: Path(path) for name, path in parse_pairs(data or [], option="--data").items()}
    _tell_packed(unpack_all(read_suite(suite), source, out, folders, data_root), "unpacked", json=json)


def _tell_packed(sets: list[PackedSet], word: str, *, json: bool) -> None:
    from bmbench.present.words import many

    if json:
        print_json([dataclasses.asdict(one) | {"archive": str(one.archive)} for one in sets])
        return
    for one in sets:
        size = one.archive.stat().st_size / 1e6
        _say(f"{one.name}: {many(one.n_runs, 'run')} {word} ({one.archive}, {size:.1f} MB)")
        if one.left:
            more = f" (and {len(one.left) - 1} more)" if len(one.left) > 1 else ""
            _say(f"note: {one.name}: left out: {one.left[0]}{more}")


@suite_app.command("list")
def list_suite(suite: SuiteFile, json: shared.Json = False) -> None:
    """Show the sets of a suite, their folds, methods and seeds."""
    from bmbench.benchmark.suite.contents import suite_record, suite_table
    from bmbench.benchmark.suite.suite_file import read_suite

    found = read_suite(suite)
    print_json(suite_record(found)) if json else console().print(suite_table(found))


def _preview(options: SuiteOptions, *, json: bool) -> None:
    from bmbench.benchmark.suite.plan import plan_suite
    from bmbench.benchmark.suite.run import cost_lines, costs

    plan = plan_suite(options)
    if json:
        sets = [
            {
                "set": one.set.name,
                "runs": [cell.name for cell in one.matrix.cells],
                "models": [test.name for test in one.models],
                "left": left,
                "seconds": s,
            }
            for one, left, s in costs(plan)
        ]
        print_json({"sets": sets, "notes": list(plan.notes)})
        return
    for one in plan.sets:
        for cell in one.matrix.cells:
            state = "finished" if one.folder.is_finished(cell) else "to do   "
            typer.echo(f"{state}  {one.set.name}  {cell.name}")
        for test in one.models:
            typer.echo(
                f"{'finished' if test.is_done else 'to do   '}  {one.set.name}  {test.name}, no training"
            )
    for line in (*(f"note: {note}" for note in plan.notes), *cost_lines(plan, options.jobs)):
        typer.echo(line)


def _run(options: SuiteOptions, report: str, *, json: bool) -> None:
    from bmbench.benchmark.suite.run import run_suite as run_all

    with stoppable():
        summary = run_all(options, listener(console(), json=json), _ignore if json else _say)
    _conclude(summary, report, json=json)


def _say(line: str) -> None:
    console().print(line, markup=False, highlight=False, soft_wrap=True)


def _ignore(line: str) -> None:
    """Nothing: with ``--json`` there is one JSON value and no more."""


def _conclude(summary: SuiteSummary, report: str, *, json: bool) -> None:
    from bmbench.present.words import many

    if json:
        print_json(dataclasses.asdict(summary))
    else:
        _say(f"{summary.n_finished} of {many(summary.n_runs, 'run')} finished; report: {report}")
    for word, some, remedy in (
        ("failed", summary.failures, "the same command tries them again"),
        ("left out, changed since their end", summary.changed, "restore the files, or add --redo-changed"),
    ):
        if some:
            typer.echo(f"error: {many(len(some), 'run')} {word}; {remedy}", err=True)
    if summary.failures or summary.changed:
        raise typer.Exit(1)
