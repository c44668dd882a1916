"""DICOM whole-slide images through wsidicom."""

from pathlib import Path

import numpy as np

from bmbench.core.errors import BadInputError, MissingExtraError
from bmbench.core.types import Pixels
from bmbench.datasets.reading.images import to_rgb
from bmbench.datasets.slides.dicom_series import series_of
from bmbench.datasets.slides.slide import DAMAGE, Slide, plausible_um


def open_dicom(path: Path) -> Slide:
    """The slide that a DICOM file belongs to, of all files of its series beside it; or that of a folder.

    Raises
    ------
    BadInputError
        If the file is no slide, the folder holds none or several, or it is damaged.
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
    files = series_of(path)
    try:
        file = WsiDicom.open(files)
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
