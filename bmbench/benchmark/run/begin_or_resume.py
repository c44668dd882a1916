"""`bmbench run`: begin a run, or resume one, in a directory that only one process has at a time.

A run or a search goes on only where it ends with the same bytes: `refuse_changes` says whether it does.
"""

import dataclasses
from contextlib import suppress
from pathlib import Path
from typing import Any

from bmbench.benchmark.records.environment import describe_environment, versions_of
from bmbench.benchmark.records.loggers import logging_to
from bmbench.benchmark.records.options import RunOptions
from bmbench.benchmark.records.plugins import method_of_run
from bmbench.benchmark.records.run_folder import Clock, RunDir
from bmbench.benchmark.records.run_records import Environment, read_record
from bmbench.benchmark.records.seal import MANIFEST, require_as_sealed, warn_unsealed
from bmbench.benchmark.run.plan import Plan, config, resolve, split_record
from bmbench.benchmark.run.stages import Work, work_through
from bmbench.core.console import Logged
from bmbench.core.errors import BadInputError, Stopped
from bmbench.core.files import json_text, read_bytes, read_json
from bmbench.core.locks import LOCK, NO_LOCKS, only_one
from bmbench.core.progress import Progress


def run(options: RunOptions, progress: Progress) -> RunDir:
    """The directory of a finished run, a new one in `options.out`.

    Nothing is written before the whole input has been read and found good.

    Raises
    ------
    BadInputError
        For an unknown name, a bad setting, data that cannot be read.
    MissingExtraError
        If the method needs a dependency that is not installed.
    RunFailedError
        If the training diverges or the disk refuses: what was done stays, and `resume` goes on.
    Stopped
        On Ctrl-C; likewise.
    """
    plan = resolve(options.settled(), progress)
    folder = RunDir.create(options.out, plan.name, records(plan))
    return finish(folder, plan, progress)


def resume(path: Path, progress: Progress, *, devices: int = 1, log: tuple[str, ...] = ()) -> RunDir:
    """The directory of a run, finished: the work goes on where it stood, and ends with the same bytes.

    Nothing is done where the run is finished already.

    Raises
    ------
    BadInputError
        If it is no run directory, another process works on it, or the data, bmbench or its dependencies
        are no longer those that it was begun with.
    """
    folder = RunDir(path)
    if not folder.is_begun:
        raise BadInputError(
            "is not a run: it has no config.json",
            where=str(path),
            remedy=f"{folder.where_runs_are()}, or begin one without --resume",
        )
    if folder.is_finished:
        if (path / LOCK).exists():
            # Its owner was killed after the last file. Whoever holds it now removes it.
            with suppress(BadInputError), only_one(path):
                pass
        warn_unsealed(folder.check_seal())
        return folder
    asked = dataclasses.replace(options_of(folder), devices=devices, log=log)
    method_of_run(folder.config())
    return finish(folder, resolve(asked, progress), progress)


def run_in(path: Path, options: RunOptions, progress: Progress) -> RunDir:
    """The directory `path` with the finished run of these options: begun, resumed, or as it is.

    `options.out` takes no part. A finished run is recognised without reading its data.

    Raises
    ------
    BadInputError
        If the folder holds something else, or a run of other options; and as for `run` and `resume`.
    """
    folder, wanted = RunDir(path), options.settled()
    if not folder.is_begun:
        plan = resolve(wanted, progress)
        if RunDir.create_at(path, records(plan)):
            return finish(folder, plan, progress)
        if not folder.is_begun:
            raise BadInputError("holds something else than a run", where=str(path), expected="a new folder")
    asked = options_of(folder).to_json()
    other = sorted(name for name, value in wanted.to_json().items() if value != asked.get(name))
    if other:
        raise BadInputError(
            f"holds a run with another choice of {', '.join(other)}",
            where=str(path),
            remedy="delete the folder, or choose another",
        )
    return resume(path, progress, devices=wanted.devices, log=wanted.log)


def finish(folder: RunDir, plan: Plan, progress: Progress) -> RunDir:
    """Do what is left of a run, alone in its directory."""
    path = folder.path
    with only_one(path) as kept:
        if folder.is_finished:
            return folder
        folder.config()
        refuse_changes(
            folder.read("config.json"),
            plan,
            where=path / "config.json",
            versions=path / "environment.json",
        )
        _refuse_another_split(folder, plan)
        _refuse_changed_files(folder)
        folder.sweep()
        try:
            with Logged.to(folder.log, progress) as logged:
                if not kept:
                    logged.note(NO_LOCKS)
                for sentence in plan.statements:
                    logged.tell(sentence)
                with logging_to(plan.options.log, path, _facts(plan), logged) as tell:
                    clock = Clock(folder.timing)
                    work_through(Work(plan=plan, folder=folder, clock=clock, progress=logged, told=(tell,)))
        except KeyboardInterrupt:
            raise Stopped(f"stopped; resume with: bmbench run --resume {folder.path}") from None
    return folder


def _facts(plan: Plan) -> dict[str, Any]:
    """What a logger is told of a run."""
    asked = plan.options
    chosen = {name: getattr(asked, name) for name in ("method", "dataset", "track", "profile", "seed")}
    return chosen | dataclasses.asdict(plan.settings)


def _refuse_another_split(folder: RunDir, plan: Plan) -> None:
    """Nothing, if the run's ``split.json`` has the bytes that it was begun with: the data are the same."""
    path = folder.path / "split.json"
    if read_bytes(path, within=folder.path) != json_text(split_record(plan.split)).encode():
        raise BadInputError(
            "is damaged, or was changed: it is not the split that the run was begun with",
            where=str(path),
            remedy="restore it, or begin anew in another folder",
        )


def _refuse_changed_files(folder: RunDir) -> None:
    """Nothing, if what was sealed is still as it was: only the scores of such a run may be missing."""
    if (folder.path / MANIFEST).exists():
        check = folder.check_seal()
        faults = tuple(fault for fault in check.faults if fault.name != "metrics.json")
        require_as_sealed(dataclasses.replace(check, faults=faults))


def records(plan: Plan) -> dict[str, Any]:
    """What a run directory is born with."""
    return {
        "config.json": config(plan),
        "split.json": split_record(plan.split),
        "environment.json": describe_environment(),
    }


def options_of(folder: RunDir) -> RunOptions:
    """What a run was asked for; BadInputError if its record is damaged or of a later version."""
    return RunOptions.from_json(folder.config().options, where=f"{folder.path}/config.json, options")


class OutdatedError(BadInputError):
    """Work of another version of bmbench, or of a dependency: it cannot be resumed, only begun anew."""


def refuse_changes(begun: dict[str, Any], plan: Plan, *, where: Path, versions: Path) -> None:
    """Nothing, or an OutdatedError if the plan, or what it would be done with, is not what it was.

    Other data are a plain BadInputError: no version explains them.

    `begun` is the configuration at the time, which stands in the file `where`; `versions` the file of the
    environment.
    """
    now = config(plan)
    for name in sorted(begun.keys() | now.keys()):
        if begun.get(name) != now.get(name):
            kind = BadInputError if name == "data_hash" else OutdatedError
            raise kind(
                f"begun with another {name}",
                where=str(where),
                expected=short(begun.get(name)),
                got=short(now.get(name)),
                remedy="restore it, or begin anew in another folder",
            )
    read_record(versions, Environment)
    then, here = versions_of(read_json(versions)), versions_of(describe_environment())
    for name in sorted(then.keys() | here.keys()):
        if then.get(name) != here.get(name):
            raise OutdatedError(
                f"begun with another version of {name}",
                where=str(versions),
                expected=str(then.get(name)),
                got=str(here.get(name)),
                remedy="install that one, or begin anew in another folder",
            )


def short(value: Any) -> str:
    """A value as one can read it in a sentence."""
    text = str(value)
    return text if len(text) <= 60 else f"{text[:57]}…"
