"""OME-Zarr images (NGFF 0.4 and 0.5): a folder ``NAME.ome.zarr`` with a pyramid of arrays (extra ``zarr``).

Bright-field images have channels of red, green and blue (an axis ``c`` of 3) or one channel; time and depth
have to be of size 1. What bioformats2raw writes holds its image in a folder ``0``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bmbench.core.errors import BadInputError
from bmbench.core.gate import STORES, is_there, plain_name, require_inside
from bmbench.core.numerals import numeral
from bmbench.core.types import Pixels
from bmbench.datasets.reading.images import to_rgb
from bmbench.datasets.slides.slide import Slide, plausible_um
from bmbench.datasets.slides.zarr_arrays import ZarrArray, json_object, zarr_array

_AXES = "tczyx"
_MOST_LEVELS = 64
_UNIT_UM = {"micrometer": 1.0, "nanometer": 1e-3, "millimeter": 1e3, "centimeter": 1e4, "meter": 1e6}
_LOOKED_AT_PX = 4_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ZarrImage:
    """The levels of an image, largest first, the names of their axes, and the pixel size of the first."""

    path: Path
    axes: str
    levels: tuple[ZarrArray, ...]
    um_per_px: float | None

    @property
    def deep(self) -> bool:
        """Whether it has 16 bits a value."""
        return self.levels[0].kind == "u2"

    def size(self, level: int = 0) -> tuple[int, int]:
        """(width, height) of a level."""
        shape = self.levels[level].shape
        return shape[self.axes.index("x")], shape[self.axes.index("y")]

    def values(self, level: int, x: int, y: int, w: int, h: int) -> NDArray[Any]:
        """(h, w, channels) values as stored of a part of a level."""
        spans = {"x": slice(x, x + w), "y": slice(y, y + h)}
        shape = self.levels[level].shape
        part = [spans.get(axis, slice(0, side)) for axis, side in zip(self.axes, shape, strict=True)]
        found = self.levels[level].read(part)
        kept = [axis for axis in self.axes if axis in "cyx"]
        found = found.reshape([n for axis, n in zip(self.axes, found.shape, strict=True) if axis in "cyx"])
        if "c" not in kept:
            found, kept = found[None], ["c", *kept]
        return found.transpose([kept.index(axis) for axis in "yxc"])

    def overview(self) -> NDArray[Any]:
        """(h, w, channels) the finest level that is quickly read, else the coarsest: what is white there."""
        sizes = [self.size(level) for level in range(len(self.levels))]
        quick = [n for n, (width, height) in enumerate(sizes) if width * height <= _LOOKED_AT_PX]
        level = quick[0] if quick else len(sizes) - 1
        width, height = (min(side, 4096) for side in sizes[level])
        return self.values(level, 0, 0, width, height)


def is_store(path: Path) -> bool:
    """Whether a path is that of an OME-Zarr image, by its name."""
    return path.name.lower().endswith(STORES)


def read_zarr_image(path: Path) -> ZarrImage:
    """What an OME-Zarr folder says of itself; no pixel is read.

    Raises
    ------
    BadInputError
        If it is none, or holds something else than one bright-field image of 8 or 16 bits.
    """
    if not path.is_dir():
        raise BadInputError("no OME-Zarr image", where=str(path), expected="a folder")
    home, facts = _multiscales(path)
    try:
        datasets = [(str(entry["path"]), entry) for entry in facts["datasets"]][:_MOST_LEVELS]
        arrays = [zarr_array(_inside(home, name, path), path) for name, _ in datasets]
        axes = _axes(facts, len(arrays[0].shape))
        um = _um_per_px(facts, datasets[0][1], axes)
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        what = f"{type(error).__name__}: {error}"[:80]
        raise BadInputError("not an OME-Zarr image", where=str(path), got=what) from None
    if any(len(array.shape) != len(axes) or array.kind != arrays[0].kind for array in arrays):
        raise BadInputError("levels that differ in kind", where=str(path), expected=f"axes {axes}")
    image = ZarrImage(path=path, axes=axes, levels=tuple(arrays), um_per_px=um)
    _check(image)
    return ZarrImage(path=path, axes=axes, levels=_pyramid(image), um_per_px=um)


def open_ome_zarr(path: Path, white: int | None) -> Slide:
    """The slide of an OME-Zarr folder; see `read_zarr_image` for the errors."""
    image = read_zarr_image(path)

    def read(level: int, x: int, y: int, w: int, h: int) -> Pixels:
        return to_rgb(image.values(level, x, y, w, h), path, white=white)

    width, height = image.size()
    return Slide(
        path=path,
        width=width,
        height=height,
        um_per_px=image.um_per_px,
        levels=tuple(image.size(level) for level in range(len(image.levels))),
        read=read,
        close=lambda: None,
        reader="ome-zarr",
    )


def _multiscales(path: Path) -> tuple[Path, dict[str, Any]]:
    """The folder of the image, and its first multiscale; that of bioformats2raw lies one folder below."""
    for home in (path, path / "0"):
        facts = _attributes(home, path)
        listed = facts.get("multiscales")
        if isinstance(listed, list) and listed and isinstance(listed[0], dict):
            return home, listed[0]
        if "plate" in facts:
            raise BadInputError(
                "a plate of many images",
                where=str(path),
                remedy="name one image in it, as in ROW/COLUMN/FIELD",
            )
        if "bioformats2raw.layout" not in facts:
            break
    raise BadInputError(
        "not an OME-Zarr image", where=str(path), expected="multiscales in .zattrs or zarr.json"
    )


def _attributes(home: Path, root: Path) -> dict[str, Any]:
    """The attributes of a group: in a file of their own (NGFF 0.4), or under ``ome`` in its description."""
    if is_there(home / ".zattrs"):
        return json_object(home / ".zattrs", root)
    if not is_there(home / "zarr.json"):
        return {}
    attributes = json_object(home / "zarr.json", root).get("attributes")
    inner = attributes.get("ome", attributes) if isinstance(attributes, dict) else {}
    return inner if isinstance(inner, dict) else {}


def _inside(home: Path, name: str, root: Path) -> Path:
    folder = home / plain_name(name)
    require_inside(folder, root)
    return folder


def _axes(facts: dict[str, Any], count: int) -> str:
    """The names of the axes in one text; those of the first editions of NGFF are always the same."""
    stated = facts.get("axes")
    if stated is None:
        return _AXES[-count:]
    names = [str(axis["name"] if isinstance(axis, dict) else axis).lower() for axis in stated]
    if len(set(names)) != len(names) or not {"y", "x"} <= set(names) <= set(_AXES):
        raise ValueError(f"axes {', '.join(names)}")
    return "".join(names)


def _check(image: ZarrImage) -> None:
    """Nothing, or a BadInputError if it is a stack, or has other channels than a bright-field image."""
    sides = dict(zip(image.axes, image.levels[0].shape, strict=True))
    deep = [f"{axis} of {sides[axis]}" for axis in "tz" if sides.get(axis, 1) > 1]
    if deep:
        raise BadInputError(
            "a stack, not one image",
            where=str(image.path),
            expected="time and depth of size 1",
            got=", ".join(deep),
            remedy="save one plane",
        )
    if sides.get("c", 1) not in (1, 3):
        raise BadInputError(
            "not a bright-field image",
            where=str(image.path),
            expected="one channel, or red, green and blue",
            got=f"{sides['c']} channels",
        )


def _pyramid(image: ZarrImage) -> tuple[ZarrArray, ...]:
    """The levels that are the first one made smaller, each smaller than the one before."""
    width, height = image.size()
    kept, last = [image.levels[0]], width
    for number in range(1, len(image.levels)):
        across, down = image.size(number)
        same_shape = abs(height * across / width - down) <= max(1.5, 0.005 * down)
        others = [
            [side for axis, side in zip(image.axes, image.levels[n].shape, strict=True) if axis not in "yx"]
            for n in (0, number)
        ]
        if across < last and same_shape and others[0] == others[1]:
            kept.append(image.levels[number])
            last = across
    return tuple(kept)


def _um_per_px(facts: dict[str, Any], dataset: dict[str, Any], axes: str) -> float | None:
    units = {
        str(axis.get("name", "")).lower(): _UNIT_UM.get(str(axis.get("unit")))
        for axis in facts.get("axes") or ()
        if isinstance(axis, dict)
    }
    scale = np.ones(len(axes))
    for entry in (dataset, facts):
        for transform in entry.get("coordinateTransformations") or ():
            if transform.get("type") == "scale":
                scale = scale * np.array(_numbers(transform.get("scale"), len(axes)))
    sides = [(scale[axes.index(axis)], units.get(axis)) for axis in "xy"]
    x, y = (float(side * unit) if unit else None for side, unit in sides)
    return plausible_um(x, y)


def _numbers(value: Any, count: int) -> Sequence[float]:
    if not isinstance(value, list) or len(value) != count:
        raise ValueError(f"a scale of {value!r}"[:60])
    return [float(numeral(one)) for one in value]
