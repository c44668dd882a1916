"""DICOM whole-slide images through wsidicom."""

from pathlib import Path

import numpy as np

from bmbench.core.errors import BadInputError, MissingExtraError
from bmbench.core.gate import files_in
from bmbench.core.types import Pixels
from bmbench.datasets.reading.images import to_rgb
from bmbench.datasets.slides.slide import DAMAGE, Slide, plausible_um


def open_dicom(path: Path) -> Slide:
    """The slide of a folder of DICOM files, or of all files beside the one that is named.

    Raises
    ------
    BadInputError
        If there is no DICOM slide, or it is damaged.
    MissingExtraError
        If wsidicom is not installed.
    """
    try:
        from pydicom import errors as plain_errors
        from wsidicom import WsiDicom, errors
    except ImportError:
        raise MissingExtraError("wsidicom", extra="wsi") from None
    # The packages' errors have no common parent.
    named = [e for module in (errors, plain_errors) for e in vars(module).values() if isinstance(e, type)]
    wrong = (*DAMAGE, *(error for error in named if issubclass(error, Exception)))
    folder = path if path.is_dir() else path.parent
    # The package passes over what is no regular file; a link that leads out is refused here.
    files_in(folder, within=folder)
    try:
        file = WsiDicom.open(folder)
        sizes = [(level.size.width, level.size.height) for level in file.levels]
        numbers = [level.level for level in file.levels]
        spacing = file.mpp
    except wrong as error:
        raise BadInputError("not a DICOM slide", where=str(path), got=str(error)) from None

    def read(level: int, x: int, y: int, w: int, h: int) -> Pixels:
        try:
            part = file.read_region((x, y), numbers[level], (w, h))
        except wrong as error:
            raise BadInputError("damaged", where=str(path), got=str(error)) from None
        return to_rgb(np.asarray(part.convert("RGB")), path)

    return Slide(
        path=path,
        width=sizes[0][0],
        height=sizes[0][1],
        um_per_px=plausible_um(spacing.width, spacing.height),
        levels=tuple(sizes),
        read=read,
        close=file.close,
        reader="dicom",
    )
