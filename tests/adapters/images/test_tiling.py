"""Tiles cover the image, and a network sees no difference."""

from itertools import pairwise

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from bmbench.adapters.images.tiling import Tiling
from bmbench.adapters.unet.network import UNet
from bmbench.adapters.unet.settings import UNetSettings


@pytest.mark.parametrize("size", [(1, 1), (7, 100), (64, 64), (65, 200), (130, 131), (300, 40)])
def test_tiles_put_together_are_the_image(size):
    image = np.random.default_rng(0).random((*size, 2), dtype=np.float32)
    tiling = Tiling.of(*size, tile=64, overlap=16, stride=8)
    assert np.array_equal(tiling.join(tiling.cut(image)), image)


@pytest.mark.parametrize("size", [(1, 1), (65, 200), (130, 131), (2000, 70)])
def test_tiles_fit_the_stride_and_share_the_overlap(size):
    tiling = Tiling.of(*size, tile=60, overlap=15, stride=8)
    for length, starts, tile in zip(tiling.padded, (tiling.rows, tiling.columns), tiling.tile, strict=True):
        assert length % 8 == 0
        assert tile % 8 == 0
        assert all(start % 8 == 0 for start in starts)
        assert all(a + tile - b >= 15 for a, b in pairwise(starts))
        assert starts[-1] + tile == length


def test_each_pixel_comes_from_the_tile_where_it_is_most_central():
    tiling = Tiling.of(64, 160, tile=64, overlap=32, stride=8)
    number = [np.full((64, 64, 1), i, np.float32) for i in range(4)]
    assert tiling.columns == (0, 32, 64, 96)
    # Neighbours at 0 and 32 share 32 … 64 and meet at 48; the others 32 px further each.
    assert tiling.join(number)[0, :, 0].tolist() == [0] * 48 + [1] * 32 + [2] * 32 + [3] * 48


def test_an_overlap_as_large_as_the_tile_is_refused():
    with pytest.raises(ValueError, match="leaves nothing"):
        Tiling.of(100, 100, tile=64, overlap=64, stride=8)


@pytest.mark.parametrize("normalisation", ["none", "batch"])
def test_a_network_sees_no_seam(normalisation):
    torch.manual_seed(0)
    settings = UNetSettings(depth=2, width=4, normalisation=normalisation)
    network = UNet(settings).eval()

    def forward(tile):
        with torch.inference_mode():
            return (
                network(torch.from_numpy(np.ascontiguousarray(tile)).permute(2, 0, 1)[None])[0]
                .permute(1, 2, 0)
                .numpy()
            )

    image = np.random.default_rng(1).standard_normal((168, 200, 3)).astype(np.float32)
    # Reach: 2 convolutions at strides 1, 2, 4, 2, 1 and two transposed ones: 2 + 4 + 8 + 4 + 2 + 3 < 24 px.
    tiling = Tiling.of(168, 200, tile=96, overlap=48, stride=network.stride)
    assert len(tiling.cut(image)) == 12
    tiled = tiling.join([forward(tile) for tile in tiling.cut(image)])
    assert tiled == pytest.approx(forward(image), abs=1e-5)
