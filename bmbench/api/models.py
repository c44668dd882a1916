"""`bmbench.load_model`: a trained detector that predicts images in memory and on disk."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from bmbench.api.predictions import PredictionTable
from bmbench.benchmark.models.places import find_model, is_model
from bmbench.benchmark.models.record import read_model
from bmbench.benchmark.records.run_folder import RunDir
from bmbench.core.errors import BadInputError
from bmbench.core.progress import Progress, Silent

if TYPE_CHECKING:
    from bmbench.core.types import ImageId

Image: TypeAlias = Any
"""(height, width, 3) or (height, width) uint8 or uint16, a picture of Pillow, or the path of a file."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class TrainedModel:
    """A trained detector that predicts.

    Attributes
    ----------
    folder : Path
        The run that it was trained in, or the folder of a model.

    Examples
    --------
    >>> import bmbench
    >>> bmbench.load_model("runs/first")
    Model(blob_log trained on my, runs/first)
    """

    folder: Path

    def predict(
        self,
        images: Image | Sequence[Image],
        *,
        threshold: float | None = None,
        um_per_px: float | None = None,
        scale: Literal["stated", "auto", "shared"] = "stated",
        standardise: bool = False,
        show_progress: bool = False,
    ) -> PredictionTable:
        """The cells of images of any size, as ``bmbench predict`` finds them.

        Parameters
        ----------
        images : one image, or a list of them
            Arrays, pictures of Pillow, or paths, slides too. An array is called by its place in the list
            (0, 1, 2 …), a file by its name.
        threshold : float, optional
            Cells below this confidence are left out; without it those below the run's own. 0 keeps all,
            which a curve needs.
        um_per_px : float, optional
            Pixel size of the images, where their files do not say it: they are then looked at in the scale
            that the run was trained in.
        scale : "stated", "auto" or "shared"
            Whether images are read at the scale that pixel sizes give, or where their nuclei, which are
            measured on each image, or as one size for all, are as large as in training.
        standardise : bool
            Whether their colours are moved to those of the training images.

        Raises
        ------
        BadInputError
            If an image is none, or cannot be read.

        Examples
        --------
        >>> import bmbench
        >>> import numpy as np
        >>> blank = np.full((64, 64, 3), 230, np.uint8)
        >>> bmbench.load_model("runs/first").predict([blank, blank])
        Predictions(0 detections on 0 images)
        """
        from bmbench.benchmark.prediction.options import PredictOptions
        from bmbench.benchmark.prediction.predict import predict as predict_images

        parts = list(images) if isinstance(images, list | tuple) else [images]
        with _as_files(parts) as (folder, paths, names):
            out = folder / "found.json"
            options = PredictOptions(
                run=self.folder,
                images=tuple(paths),
                out=(out,),
                threshold=threshold,
                um_per_px=um_per_px,
                everywhere=True,
                scale=scale,
                standardise=standardise,
            )
            report = predict_images(options, listener(show_progress=show_progress))
            if report.broken:
                raise BadInputError(report.broken[0])
            read = PredictionTable.from_coco(out)
        image = np.array([names.get(name, name) for name in read.image.tolist()], object)
        notes = () if um_per_px is None and any(map(_is_array, parts)) else report.notes
        return dataclasses.replace(read, image=image, source=None, notes=(*report.adjusted, *notes))

    def __repr__(self) -> str:
        if is_model(self.folder):
            return f"Model({read_model(self.folder).name}: {read_model(self.folder).card.title})"
        config = RunDir(self.folder).config()
        return f"Model({config.method} trained on {config.dataset}, {self.folder})"


def load_model(name: str | Path) -> TrainedModel:
    """A trained detector: a model that comes with bmbench, by its name, or the folder of a model or a run.

    Raises
    ------
    BadInputError
        If there is none of that name, or the run is not finished.

    Examples
    --------
    >>> import bmbench
    >>> bmbench.load_model("runs/first")
    Model(blob_log trained on my, runs/first)
    """
    folder = find_model(name)
    return TrainedModel(folder=folder if is_model(folder) else RunDir.open(folder).path)


def listener(*, show_progress: bool) -> Progress:
    """Bars on the error stream, or nobody."""
    if not show_progress:
        return Silent()
    from rich.console import Console

    from bmbench.core.console import Terminal

    return Terminal(Console(stderr=True))


@contextmanager
def _as_files(images: Sequence[Image]) -> Iterator[tuple[Path, list[Path], dict[str, ImageId]]]:
    """Yield a folder, the path of each image, and what those are called that had no file before."""
    import tempfile

    with tempfile.TemporaryDirectory(prefix="bmbench-") as name:
        folder, paths, names = Path(name), list[Path](), dict[str, "ImageId"]()
        for number, image in enumerate(images):
            if not _is_array(image):
                paths.append(Path(image))
                continue
            paths.append(_written(folder, image, number))
            names[paths[-1].name] = number
        yield folder, paths, names


def _is_array(image: Image) -> bool:
    return not isinstance(image, str | Path)


def _written(folder: Path, image: Image, number: int) -> Path:
    """The file of an image in memory, without any loss."""
    import tifffile

    pixels = np.asarray(image)
    flat = pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] in (1, 3, 4))
    if pixels.dtype not in (np.uint8, np.uint16) or not flat:
        remedy = "multiply values from 0 to 1 by 255 and make them uint8"
        raise BadInputError(
            "not an image",
            where=f"images[{number}]",
            expected="(height, width, 3) or (height, width), uint8 or uint16",
            got=f"{pixels.shape} {pixels.dtype}",
            remedy=remedy if pixels.dtype.kind == "f" else "",
        )
    if pixels.ndim == 3:
        pixels = pixels[..., 0] if pixels.shape[2] == 1 else pixels[..., :3]
    path = folder / f"{number}.tif"
    kind = "rgb" if pixels.ndim == 3 else "minisblack"
    tifffile.imwrite(path, np.ascontiguousarray(pixels), photometric=kind)
    return path
