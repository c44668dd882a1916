"""A site of two tracks, and a browser to look at it."""

import msgspec
import pytest

from bmbench.leaderboards.boards.build import build_board
from bmbench.leaderboards.tracks.create_track import write_manifest
from tests.browser import browsers


@pytest.fixture(scope="module")
def browser():
    yield from browsers()


@pytest.fixture
def site(bench):
    """A built site with two tracks and three methods on the weak one."""
    bench.track("precise", supervision="precise")
    bench.track("weak")
    for track in ("precise", "weak"):
        manifest = bench.board.manifest(track)
        path = bench.board.path / "tracks" / track
        write_manifest(path, msgspec.structs.replace(manifest, replicates=300))
    bench.submit("alpha-net", bench.answer(recall=0.95, false=1), family="unet")
    bench.submit("beta-net", bench.answer(recall=0.6, false=2, seed=4), family="rcnn", annotations="none")
    bench.submit("gamma-net", bench.answer(recall=0.75, false=2, seed=5), family="unet")
    bench.submit("alpha-net", bench.answer(recall=0.9, false=1, seed=6), track="precise")
    bench.score()
    build_board(bench.board)
    return bench.board.path / "boards" / "site"
