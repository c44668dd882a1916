"""Fields of the Data Science Bowl from tiles as published: one folder each, one mask a nucleus."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from PIL import Image

from bmbench.core.dataset import LoadRequest
from bmbench.core.errors import BadInputError
from bmbench.core.geometry import rings_area
from bmbench.core.types import Role
from bmbench.datasets import open_dataset
from bmbench.datasets.sets.dsb_purple import FIELDS
from bmbench.datasets.sets.dsb_tiles import tile_table


def write_tile(folder, tile, grey, boxes):
    """A tile of one grey, with a mask for each (x0, y0, x1, y1)."""
    place = folder / "stage1_train" / tile
    for part in ("images", "masks"):
        (place / part).mkdir(parents=True)
    Image.new("RGBA", (320, 256), (grey, grey, grey, 255)).save(place / "images" / f"{tile}.png")
    for number, (x0, y0, x1, y1) in enumerate(boxes):
        mask = np.zeros((256, 320), np.uint8)
        mask[y0:y1, x0:x1] = 255
        Image.fromarray(mask).save(place / "masks" / f"{number:02}.png")


# Upper left: a nucleus cut by the seam to the right, rows 10 to 19, and one far from any seam. Upper right:
# its other half, and a neighbour that touches rows 40 to 59 of the seam where nothing ends on the left …
UPPER_LEFT = [(300, 10, 320, 20), (50, 50, 60, 60), (310, 58, 320, 78)]
UPPER_RIGHT = [(0, 10, 15, 18), (0, 40, 30, 60)]
# … and a nucleus that the seam below cuts: columns 100 to 119 of both left tiles.
CUT_BELOW = [(100, 246, 120, 256)]
BELOW = [(100, 0, 120, 5)]


@pytest.fixture
def published(tmp_path):
    table = tile_table()
    for field in (0, 3, 4, 6, 25):
        parts = [[*UPPER_LEFT, *CUT_BELOW], UPPER_RIGHT, BELOW, [(5, 5, 9, 9)]]
        for number, tile in enumerate(table[field]):
            if tile != "-":
                write_tile(tmp_path, tile, 10 * number + 5, parts[number])
    return tmp_path


def fields_of(folder, subset="white"):
    split = open_dataset("dsb_purple").load(LoadRequest(data=folder, options={"subset": subset}))
    return {s.image_id: s for part in split.samples.values() for s in part}, split


def test_a_nucleus_that_a_seam_cuts_is_one_and_neighbours_stay_two(published):
    fields, _ = fields_of(published)
    marked = fields["field_00"].annotations
    # Across the right seam rows 10–19 meet rows 10–17: 8 of 10, one nucleus of 20 × 10 + 15 × 8 px. Rows
    # 58–77 meet rows 40–59: 2 of 38, two nuclei. Below, columns 100–119 meet themselves: 20 × 15 px.
    found = {tuple(box): rings_area(rings) for box, rings in zip(marked.box, marked.contour, strict=True)}
    assert found == {
        (300, 10, 335, 20): 320,
        (50, 50, 60, 60): 100,
        (310, 58, 320, 78): 200,
        (320, 40, 350, 60): 600,
        (100, 246, 120, 261): 300,
        (325, 261, 329, 265): 16,
    }


def test_tiles_lie_where_the_table_says(published):
    fields, split = fields_of(published)
    pixels = fields["field_00"].load()
    assert pixels.shape == (512, 640, 3)
    assert pixels[[0, 0, 511, 511], [0, 639, 0, 639], 0].tolist() == [5, 15, 25, 35]
    assert [[s.image_id for s in part] for part in split.samples.values()] == [
        ["field_00"], ["field_03"], ["field_06"], ["field_04"],
    ]  # fmt: skip


def test_a_quarter_that_was_not_published_is_black_and_ignored(published):
    field = fields_of(published, "all")[0]["field_25"]
    assert field.load()[:256, 320:].max() == 0
    region = field.annotations.region
    assert_array_equal(field.annotations.box[region], [[320, 0, 640, 256]])
    assert field.annotations.role[region].tolist() == [Role.IGNORE]


def test_every_tile_of_the_table_stands_in_it_once():
    table = tile_table()
    tiles = [tile for field in table.values() for tile in field if tile != "-"]
    # 103 purple tiles beside the four of the pink field: 24 whole fields, two halves, one of three quarters.
    assert len(tiles) == len(set(tiles)) == 103 == 24 * 4 + 2 * 2 + 3
    assert sorted(table) == list(FIELDS["all"])


def test_damaged_tiles_are_named(published):
    tile = tile_table()[3][2]
    masks = published / "stage1_train" / tile / "masks"
    Image.new("L", (320, 255)).save(masks / "00.png")
    with pytest.raises(BadInputError, match="mask of another size than its tile"):
        fields_of(published)
    (masks / "00.png").unlink()
    with pytest.raises(BadInputError, match="a tile without masks"):
        fields_of(published)
