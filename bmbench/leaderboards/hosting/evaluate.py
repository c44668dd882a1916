"""`bmbench leaderboard evaluate`: a stranger's program on images that stay with the host, one by one."""

import json
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bmbench.core.errors import BadInputError, RunFailedError
from bmbench.core.files import write_bytes
from bmbench.core.gate import copy_file
from bmbench.core.progress import Progress
from bmbench.leaderboards.hosting.one_image import Program, ProgramLimits, answer_of
from bmbench.leaderboards.submissions.predictions_check import PREDICTIONS_SCHEMA, check_predictions
from bmbench.leaderboards.submissions.problems import Problems
from bmbench.leaderboards.submissions.strict_json import parse
from bmbench.leaderboards.tracks.manifest import ImageFacts, Manifest


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluated:
    """What a program answered: detections in all, and the seconds of each image."""

    n_detections: int
    seconds: tuple[float, ...]


def evaluate(
    manifest: Manifest,
    images: Path,
    program: Program,
    limits: ProgramLimits,
    *,
    out: Path,
    progress: Progress,
) -> Evaluated:
    """Write the predictions of a program on every image of a track, as `bmbench submit` takes them.

    The program sees one image at a time, under a name that says nothing. The first image that goes wrong ends
    it, and nothing is written.

    Raises
    ------
    BadInputError
        If an image is not there, or an answer is no list of detections of its image.
    RunFailedError
        If the program fails, or takes or writes more than it may.
    """
    files = {image.id: _file_of(image, images) for image in manifest.images}
    rows: list[Any] = []
    seconds = []
    n = len(manifest.images)
    for number, image in enumerate(progress.track(manifest.images, description="Evaluating", total=n), 1):
        started = time.perf_counter()
        try:
            answer = _one(program, files[image.id], limits)
        except RunFailedError as error:
            raise RunFailedError(f"image {number} of {n}: {error}") from None
        seconds.append(time.perf_counter() - started)
        rows += list(_checked(answer, image, manifest, f"image {number} of {n}"))
    write_bytes(out, json.dumps(rows, indent=0).encode() + b"\n")
    return Evaluated(n_detections=len(rows), seconds=tuple(seconds))


def _file_of(image: ImageFacts, folder: Path) -> Path:
    """The one file of an image: of its name, or of its stem."""
    if (folder / image.name).is_file():
        return folder / image.name
    found = [path for path in sorted(folder.glob("*")) if path.stem == image.name and path.is_file()]
    if len(found) != 1:
        got = "no such file" if not found else ", ".join(path.name for path in found)
        raise BadInputError("not one file of the image", where=str(folder / image.name), got=got)
    return found[0]


def _one(program: Program, file: Path, limits: ProgramLimits) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / f"image{file.suffix.lower()}"
        copy_file(file, place)
        Path(folder).chmod(0o755)
        place.chmod(0o444)
        return answer_of(program, place, limits)


def _checked(answer: bytes, image: ImageFacts, manifest: Manifest, where: str) -> Iterator[dict[str, Any]]:
    """The rows of an answer with the image that they are of; what no submission may have is refused."""
    problems = Problems(where)
    rows = parse(answer, problems)
    if not problems.listed and not isinstance(rows, list):
        raise BadInputError(
            "is no list of detections", where=where, expected='[{"bbox": […], "score": …}, …]'
        )
    first = manifest.categories[0] if manifest.categories else 1
    named = [
        {"category_id": first} | row | {"image_id": image.id} if isinstance(row, dict) else row
        for row in rows or ()
    ]
    every = [one.id for one in manifest.images]
    if not problems.listed:
        value = {"schema": PREDICTIONS_SCHEMA, "images": every, "detections": named}
        check_predictions(value, manifest, problems)
    if problems.listed:
        raise BadInputError("an answer is not valid", where=where, got=str(problems.listed[0])[:300])
    yield from named


def engine_there(name: str) -> None:
    """Nothing, or a BadInputError if this machine has no such engine."""
    if shutil.which(name) is None:
        remedy = "install podman (rootless), or try the program with --command"
        raise BadInputError(f"{name} is not there", where="--engine", remedy=remedy)
