"""Images with outlined cells, from a seed: ``python benchmarks/annotated_images.py FOLDER IMAGES``.

Each image has 512 × 512 px and 50 cells, outlined by 28 corners each; a COCO file lies beside ``images``.
"""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Floats = NDArray[np.float64]
SIDE_PX, CELLS, CORNERS = 512, 50, 28
_COLUMNS = 8


def outlines_of(rng: np.random.Generator) -> Floats:
    """(cells, corners, 2) the outlines on one image: bent circles on a jittered grid."""
    spacing = SIDE_PX / _COLUMNS
    place = rng.permutation(_COLUMNS**2)[:CELLS]
    corner = np.stack([place % _COLUMNS, place // _COLUMNS], axis=1) * spacing
    centre = corner + spacing * rng.uniform(0.4, 0.6, (CELLS, 2))
    angle = np.arange(CORNERS) * (2 * np.pi / CORNERS)
    radius = rng.normal(24, 3, (CELLS, 1)) * (1 + 0.04 * rng.standard_normal((CELLS, CORNERS)))
    ring = centre[:, None] + radius[..., None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return np.round(np.clip(ring, 0, SIDE_PX), 2)


def picture(rng: np.random.Generator, outlines: Floats) -> Image.Image:
    """Dark cells on a light, uneven ground."""
    ground = Image.fromarray(rng.integers(190, 230, (8, 8, 3), dtype=np.uint8)).resize((SIDE_PX, SIDE_PX))
    draw = ImageDraw.Draw(ground)
    for ring in outlines:
        draw.polygon(ring.ravel().tolist(), fill=tuple(rng.integers(60, 160, 3).tolist()))
    return ground


def write(folder: Path, images: int, *, seed: int = 0) -> Path:
    """The COCO file of a set of so many images; what is there already is kept."""
    file = folder / "annotations.json"
    if file.exists():
        return file
    (folder / "images").mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng([seed, images])
    records, annotations = [], []
    for number in range(1, images + 1):
        outlines = outlines_of(rng)
        name = f"{number:05d}.png"
        picture(rng, outlines).save(folder / "images" / name, compress_level=1)
        records.append({"id": number, "width": SIDE_PX, "height": SIDE_PX, "file_name": name})
        for ring in outlines:
            low, high = ring.min(axis=0), ring.max(axis=0)
            record = {"id": len(annotations) + 1, "image_id": number, "category_id": 1, "iscrowd": 0}
            box = {"bbox": [*low.tolist(), *np.round(high - low, 2).tolist()], "area": 0.0}
            annotations.append(record | box | {"segmentation": [ring.ravel().tolist()]})
    category = {"id": 1, "name": "cell", "supercategory": "cell"}
    value = {"images": records, "categories": [category], "annotations": annotations}
    file.write_bytes(msgspec.json.encode(value))
    return file


if __name__ == "__main__":
    print(write(Path(sys.argv[1]), int(sys.argv[2])))
