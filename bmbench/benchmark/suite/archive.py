"""The results of a suite as one small archive a set and seed: its report and scores are made again from them.

::

    FOLDER/SET/s0.tar.xz   study.json               the runs that were asked for
                           runs/RUN/**/*.json       of each finished run: what it was asked for, answers and
                                                    truths, scores, times and manifest
                           models/MODEL/ANSWERS/*   of models that were not trained on the set: in the first

Weights, pictures and logs are left out, and outlines, by which nothing is scored: they are nine tenths of the
answers and truths. Each run has a manifest of what is kept. The same results give the same bytes.
"""

from __future__ import annotations

import hashlib
import io
import lzma
import tarfile
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from bmbench.benchmark.records.run_records import read_record
from bmbench.benchmark.records.seal import (
    MANIFEST,
    OTHER_SET,
    RUN,
    SCHEMA,
    Seal,
    SealedFile,
    SealedKind,
    sealed_files,
)
from bmbench.benchmark.reproduce.folder import StudyFolder
from bmbench.benchmark.suite.models import model_tests
from bmbench.benchmark.suite.places import folders_of, source_of
from bmbench.benchmark.suite.plan import set_folder
from bmbench.benchmark.suite.suite_file import Suite, SuiteSet
from bmbench.core.errors import BadInputError
from bmbench.core.files import json_text, make_folder, name_folder, write_bytes
from bmbench.core.gate import files_in, is_file, read_bytes
from bmbench.datasets.fetch.unpack import unpacking

LIMIT_BYTES = 8 << 30
"""What the results of one set may unpack to."""
_XZ = [{"id": lzma.FILTER_LZMA2, "preset": 6, "dict_size": 64 << 20}]
"""All runs hold the same truths: a dictionary as long as several runs keeps them once."""
_ENDING = ".tar.xz"
_JSON = ("*.json",)
_RECORDS = {kind.name: replace(kind, only=_JSON) for kind in (RUN, OTHER_SET)}


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedSet:
    """What was packed or unpacked of a set.

    Attributes
    ----------
    n_runs : int
        Runs that were taken.
    left : tuple of str
        Runs that were not, each with the reason.
    """

    name: str
    archive: Path
    n_runs: int
    left: tuple[str, ...] = ()


def pack_suite(suite: Suite, out: Path, to: Path) -> list[PackedSet]:
    """Write the finished runs of each set of a suite into archives in `to`, one a seed.

    Raises
    ------
    BadInputError
        If no set of the suite has a finished run, or a record of one cannot be read.
    """
    packed = []
    for one in suite.sets:
        folder = set_folder(out, one.name)
        if not is_file(folder.path / "study.json"):
            continue
        study = folder.read()
        models = dict[str, bytes]()
        for test in model_tests(one, study, out):
            if test.is_done:
                models |= _records(test.folder, OTHER_SET, f"models/{test.model}/{test.folder.name}")
        for seed in sorted({cell.seed for cell in study.cells if folder.is_finished(cell)}):
            packed.append(_pack(folder, seed, models, to / one.name / f"s{seed}{_ENDING}"))
            models = {}
    if not packed:
        remedy = "run it: bmbench suite run SUITE, or name its folder with --out"
        raise BadInputError("no finished run of this suite", where=str(out), remedy=remedy)
    return packed


def _pack(folder: StudyFolder, seed: int, more: Mapping[str, bytes], archive: Path) -> PackedSet:
    """Write the finished runs of one seed, and some other files, into an archive."""
    done = [cell for cell in folder.read().cells if cell.seed == seed and folder.is_finished(cell)]
    changed = {cell: why for cell in done if (why := folder.change(cell, *_JSON))}
    study = msgspec.json.decode(read_bytes(folder.path / "study.json"))
    study["cells"] = [cell for cell in study["cells"] if cell["seed"] == seed]
    files = {"study.json": json_text(study).encode(), **more}
    for cell in (cell for cell in done if cell not in changed):
        files |= _records(folder.run(cell), RUN, f"runs/{cell.name}")
    make_folder(archive.parent)
    write_bytes(archive, _archive(files))
    left = tuple(f"{cell.name} {why}" for cell, why in changed.items())
    return PackedSet(name=archive.parent.name, archive=archive, n_runs=len(done) - len(left), left=left)


def unpack_suite(
    suite: Suite, source: Path, out: Path, folders: Mapping[str, Path], root: Path | None
) -> list[PackedSet]:
    """Put the runs of archives into the folder of a suite; what is there already stays as it is.

    Parameters
    ----------
    source : Path
        The folder of the archives.
    folders, root :
        Where the data of the sets lie here, as of a run: for what is run beside these results.

    Raises
    ------
    BadInputError
        If there is no archive of a set of the suite, one is damaged or is of other data or settings than the
        runs in the folder.
    """
    places = folders_of(suite, folders, root)
    found = [
        (one, archive)
        for one in suite.sets
        if (source / one.name).is_dir()
        for archive in files_in(source / one.name, within=source, suffixes=(_ENDING,))
    ]
    if not found:
        expected = f"SET/s0{_ENDING} for a set of the suite"
        remedy = "name the folder that bmbench suite pack wrote"
        raise BadInputError("no results of this suite", where=str(source), expected=expected, remedy=remedy)
    return [_unpack(one, archive, out, places.get(one.name)) for one, archive in found]


def _unpack(one: SuiteSet, archive: Path, out: Path, data: Path | None) -> PackedSet:
    folder = set_folder(out, one.name)
    make_folder(folder.path.parent)
    with tempfile.TemporaryDirectory(dir=folder.path.parent, prefix=".unpacked-") as place:
        with unpacking(archive, Path(place) / "set", limit_bytes=LIMIT_BYTES):
            pass
        there = StudyFolder(Path(place) / "set")
        study = there.read()
        if (here := source_of(one, data)) is not None:
            study = replace(study, facts=study.facts.of_data(*here))
        folder.check(study)
        make_folder(folder.path)
        folder.join(study)
        done = [cell for cell in study.cells if there.is_finished(cell)]
        left = [cell.name for cell in done if not _take(there.run(cell), folder.run(cell))]
        for test in model_tests(one, study, out):
            _take(there.path / "models" / test.model / test.folder.name, test.folder)
    return PackedSet(
        name=one.name,
        archive=archive,
        n_runs=len(done) - len(left),
        left=tuple(f"{name} stays as it is in the folder" for name in left),
    )


def _take(source: Path, target: Path) -> bool:
    """Move a folder to where none is yet; whether it was."""
    if not source.is_dir() or target.exists():
        return False
    make_folder(target.parent)
    name_folder(source, target)
    return True


def _records(folder: Path, kind: SealedKind, name: str) -> dict[str, bytes]:
    """What is kept of a run, or of answers of a model, by the names in the archive; sealed again."""
    was = read_record(folder / MANIFEST, Seal, schema=SCHEMA, within=folder, what="a manifest")
    files = {
        file: _without_outlines(read_bytes(path, within=folder))
        for file, path in sealed_files(folder, _RECORDS[kind.name]).items()
    }
    sealed = {
        file: SealedFile(sha256=hashlib.sha256(data).hexdigest(), bytes=len(data))
        for file, data in files.items()
    }
    files[MANIFEST] = json_text(msgspec.to_builtins(msgspec.structs.replace(was, files=sealed))).encode()
    if is_file(folder / "timing.json"):
        files["timing.json"] = read_bytes(folder / "timing.json", within=folder)
    return {f"{name}/{file}": data for file, data in files.items()}


def _without_outlines(data: bytes) -> bytes:
    """A predictions file or a ground truth without the outlines in it; any other record as it is."""
    record: Any = msgspec.json.decode(data)
    shapes = [] if not isinstance(record, dict) else record.get("detections", record.get("annotations"))
    if not isinstance(shapes, list) or not any("segmentation" in one for one in shapes):
        return data
    for one in shapes:
        one.pop("segmentation", None)
    return msgspec.json.encode(record)


def _archive(files: Mapping[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with (
        lzma.LZMAFile(packed, "w", filters=_XZ) as compressed,
        tarfile.open(fileobj=compressed, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        # Records that are alike stand beside each other: all truths, then all answers, and so on.
        for name in sorted(files, key=lambda name: (name.rpartition("/")[2], name)):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(files[name]), 0o644
            tar.addfile(entry, io.BytesIO(files[name]))
    return packed.getvalue()
