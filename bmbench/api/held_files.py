"""What is in memory, for as long as somebody reads it as a file."""

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bmbench.core.errors import BadInputError
from bmbench.core.files import write_bytes
from bmbench.core.types import Floats, Rings


@contextmanager
def as_file(source: Any, name: str) -> Iterator[tuple[Path, Path | bytes]]:
    """Yield the path of a JSON file and what to keep of it: the path, or the text of a value in memory.

    What is wrong with a value in memory is said without the file that it stood in for the reader.
    """
    if isinstance(source, str | Path):
        yield Path(source), Path(source)
        return
    try:
        text = json.dumps(source, allow_nan=False, default=_from_numpy).encode()
    except (TypeError, ValueError) as error:
        raise BadInputError("not what JSON can hold", where=Path(name).stem, got=str(error)) from None
    with in_folder({name: text}) as paths:
        yield paths[0], text


@contextmanager
def in_folder(texts: Mapping[str, bytes | Path]) -> Iterator[list[Path]]:
    """Yield a path for each text, in a folder that is gone afterwards; a path stands for itself.

    What an error says of such a file names it without the folder.
    """
    with tempfile.TemporaryDirectory(prefix="bmbench-") as folder:
        paths = []
        for name, text in texts.items():
            if isinstance(text, bytes):
                write_bytes(Path(folder, name), text)
            paths.append(Path(folder, name) if isinstance(text, bytes) else text)
        try:
            yield paths
        except BadInputError as error:
            if not error.where.startswith(folder):
                raise
            where = error.where.removeprefix(folder).lstrip("/\\").replace(".json", "", 1)
            raise BadInputError(
                error.what, where=where, expected=error.expected, got=error.got, remedy=error.remedy
            ) from None


def _from_numpy(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    raise TypeError(f"a {type(value).__name__}")


def coco_results(
    image: NDArray[Any],
    category: Sequence[int],
    *,
    box: Floats,
    xy: Floats,
    confidence: Floats,
    contour: Sequence[Rings] | None,
) -> bytes:
    """Detections as a COCO results list, in full precision; for the columns see `bmbench.Predictions`."""
    lines, size = [], box[:, 2:] - box[:, :2]
    for row, (name, kind) in enumerate(zip(image.tolist(), category, strict=True)):
        record: dict[str, Any] = {
            "image_id": name,
            "category_id": kind,
            "bbox": [*box[row, :2].tolist(), *size[row].tolist()],
            "center": xy[row].tolist(),
            "score": float(confidence[row]),
        }
        if contour is not None and contour[row]:
            record["segmentation"] = [ring.ravel().tolist() for ring in contour[row]]
        lines.append(json.dumps(record, allow_nan=False))
    return f"[{','.join(lines)}]".encode()
