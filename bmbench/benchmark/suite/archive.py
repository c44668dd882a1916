"""The results of a suite as one small archive a set, from which its report and its scores are made again.

::

    FOLDER/SET.tar.xz   study.json               the runs that were asked for
                        runs/RUN/**/*.json       of each finished run: what it was asked for, answers and
                                                 truths, scores, times and manifest
                        models/MODEL/ANSWERS/*   of models that were not trained on the set

Weights, pictures and logs are left out. The same results give the same bytes.
"""

from __future__ import annotations

import io
import lzma
import tarfile
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from bmbench.benchmark.records.seal import MANIFEST, OTHER_SET, RUN, SealedKind, sealed_files
from bmbench.benchmark.reproduce.folder import StudyFolder
from bmbench.benchmark.suite.models import model_tests
from bmbench.benchmark.suite.places import folders_of, source_of
from bmbench.benchmark.suite.plan import set_folder
from bmbench.benchmark.suite.suite_file import Suite, SuiteSet
from bmbench.core.errors import BadInputError
from bmbench.core.files import make_folder, name_folder, write_bytes
from bmbench.core.gate import is_file, read_bytes
from bmbench.datasets.fetch.unpack import unpacking

LIMIT_BYTES = 8 << 30
"""What the results of one set may unpack to."""
_XZ = [{"id": lzma.FILTER_LZMA2, "preset": 6, "dict_size": 64 << 20}]
"""All runs hold the same truths: a dictionary as long as several runs keeps them once."""
_ENDING = ".tar.xz"
_RECORDS = SealedKind(name=RUN.name, only=("*.json",), left_out=RUN.left_out)


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedSet:
    """What was packed or unpacked of a set: so many runs; of so many the folder had its own, which stay."""

    name: str
    archive: Path
    n_runs: int
    n_left: int = 0


def pack_suite(suite: Suite, out: Path, to: Path) -> list[PackedSet]:
    """Write the finished runs of each set of a suite into an archive in `to`.

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
        done = [cell for cell in folder.read().cells if folder.is_finished(cell)]
        if done:
            files = {"study.json": folder.path / "study.json"}
            for cell in done:
                files |= _records(folder.run(cell), f"runs/{cell.name}", _RECORDS)
            for test in model_tests(one, folder.read(), out):
                if test.is_done:
                    files |= _records(test.folder, f"models/{test.model}/{test.folder.name}", OTHER_SET)
            make_folder(to)
            archive = to / f"{one.name}{_ENDING}"
            write_bytes(archive, _archive(files))
            packed.append(PackedSet(name=one.name, archive=archive, n_runs=len(done)))
    if not packed:
        remedy = "run it: bmbench suite run SUITE.toml"
        raise BadInputError("no finished run of this suite", where=str(out), remedy=remedy)
    return packed


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
    found = [(one, source / f"{one.name}{_ENDING}") for one in suite.sets]
    found = [(one, archive) for one, archive in found if is_file(archive)]
    if not found:
        expected = f"SET{_ENDING} for a set of the suite"
        raise BadInputError("no results of this suite", where=str(source), expected=expected)
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
        taken = sum(_take(there.run(cell), folder.run(cell)) for cell in done)
        for test in model_tests(one, study, out):
            _take(there.path / "models" / test.model / test.folder.name, test.folder)
    return PackedSet(name=one.name, archive=archive, n_runs=taken, n_left=len(done) - taken)


def _take(source: Path, target: Path) -> bool:
    """Move a folder to where none is yet; whether it was."""
    if not source.is_dir() or target.exists():
        return False
    make_folder(target.parent)
    name_folder(source, target)
    return True


def _records(folder: Path, name: str, kind: SealedKind) -> dict[str, Path]:
    """The files of a run, or of answers of a model, that are kept, by their names in the archive."""
    files = sealed_files(folder, kind)
    files |= {file: folder / file for file in (MANIFEST, "timing.json") if is_file(folder / file)}
    return {f"{name}/{file}": path for file, path in files.items()}


def _archive(files: Mapping[str, Path]) -> bytes:
    packed = io.BytesIO()
    with (
        lzma.LZMAFile(packed, "w", filters=_XZ) as compressed,
        tarfile.open(fileobj=compressed, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        # Records that are alike stand beside each other: all truths, then all answers, and so on.
        for name in sorted(files, key=lambda name: (name.rpartition("/")[2], name)):
            data = read_bytes(files[name], within=files[name].parent)
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), 0o644
            tar.addfile(entry, io.BytesIO(data))
    return packed.getvalue()
