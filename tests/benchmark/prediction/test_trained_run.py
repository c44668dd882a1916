"""What a run says about itself, and a run that is none."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bmbench.benchmark.prediction.options import PredictOptions
from bmbench.benchmark.prediction.prepare import prepare
from bmbench.benchmark.protocol.image_scale import largest_cell, pixel_size, scale
from bmbench.benchmark.records.trained_run import load_run
from bmbench.core.errors import BadInputError, UnknownNameError
from bmbench.core.types import Annotations, Role, Sample
from tests.benchmark.whole_records import whole_config

from .spots import in_memory


def of(um: float | None, annotations: Annotations | None = None) -> Sample:
    return Sample(
        image_id=1,
        name="a",
        width=9,
        height=9,
        group="a",
        annotations=Annotations.empty() if annotations is None else annotations,
        load=lambda: np.zeros((9, 9, 3), np.uint8),
        um_per_px=um,
    )


def test_the_pixel_size_of_images_is_known_if_all_have_the_same() -> None:
    assert pixel_size([of(0.25), of(0.251), of(0.25)]) == 0.25
    assert pixel_size([of(0.25), of(0.5)]) is None
    assert pixel_size([of(0.25), of(None)]) is None
    assert pixel_size([]) is None


def test_the_largest_cell_is_the_largest_of_boxes_and_circles_of_cells() -> None:
    known = Annotations.of(
        xy=np.zeros((3, 2)),
        box=np.array([[0.0, 0, 30, 20], [0, 0, 10, 10], [0, 0, 99, 99]]),
        circle=np.array([[0.0, 0, 0], [0, 0, 17], [0, 0, 0]]),
        role=np.array([Role.CELL, Role.CELL, Role.ARTEFACT]),
    )
    assert largest_cell([of(None, known.take(np.array([0])))]) == 30
    assert largest_cell([of(None, known), of(None)]) == 34
    assert largest_cell([of(None)]) is None


def test_the_working_scale_is_one_where_a_size_is_unknown_or_the_same() -> None:
    assert scale(0.25, 0.5) == 0.5
    assert scale(0.5, 0.25) == 2
    for image, trained in ((None, 0.5), (0.5, None), (0.501, 0.5)):
        assert scale(image, trained) == 1


def test_a_run_without_sizes_is_told_about(blob_run: Path, tmp_path: Path) -> None:
    shutil.copytree(blob_run, tmp_path / "run")
    (tmp_path / "run" / "config.json").write_text(json.dumps(whole_config()))
    run = load_run(tmp_path / "run")
    assert (run.um_per_px, run.largest_cell_px, run.threshold) == (None, None, 0.5)
    assert load_run(blob_run).um_per_px == pytest.approx(13 / 44)


def test_the_margin_grows_with_the_largest_cell_and_tiles_with_the_detectors_wish(blob_run: Path) -> None:
    run = replace(load_run(blob_run), largest_cell_px=100.0)
    slide = in_memory(np.full((3000, 3000, 3), 99, np.uint8))
    ask = PredictOptions(run=blob_run, images=(), everywhere=True)
    grid = prepare(slide, "a", run, ask).grid
    assert (grid.margin_px, grid.band_px) == (150, 50)

    class Wishing:
        best_tile_px = 1200

    wished = prepare(slide, "a", replace(run, detector=Wishing()), ask)  # type: ignore[arg-type]
    assert max(tile.seen[2] - tile.seen[0] for tile in wished.tiles) <= 1200
    assert max(tile.seen[2] - tile.seen[0] for tile in prepare(slide, "a", run, ask).tiles) > 1200


@pytest.mark.parametrize(("name", "value"), [
    ("config.json", "[]"), ("config.json", "{}"), ("config.json", '{"method": 3}'), ("metrics.json", "[]"),
])  # fmt: skip
def test_a_folder_that_is_no_run_is_refused(blob_run: Path, tmp_path: Path, name: str, value: Any) -> None:
    shutil.copytree(blob_run, tmp_path / "run")
    (tmp_path / "run" / name).write_text(value)
    with pytest.raises(BadInputError, match="is not a run's record"):
        load_run(tmp_path / "run")


def test_a_run_of_an_unknown_method_names_it(blob_run: Path, tmp_path: Path) -> None:
    shutil.copytree(blob_run, tmp_path / "run")
    (tmp_path / "run" / "config.json").write_text(json.dumps(whole_config(method="blob_logg")))
    with pytest.raises(UnknownNameError, match="blob_log"):
        load_run(tmp_path / "run")


def test_the_digest_is_that_of_the_weights(blob_run: Path, tmp_path: Path) -> None:
    shutil.copytree(blob_run, tmp_path / "run")
    assert load_run(tmp_path / "run").digest == load_run(blob_run).digest
    card = tmp_path / "run" / "checkpoint" / "blob_log.json"
    card.write_text(card.read_text().replace('"believable": ', '"believable": 1'))
    assert load_run(tmp_path / "run").digest != load_run(blob_run).digest


def test_the_digest_covers_the_members_of_an_ensemble(tmp_path: Path) -> None:
    from bmbench.benchmark.records.trained_run import digest_of

    for member in ("member-1", "member-2"):
        (tmp_path / member).mkdir()
        (tmp_path / member / "weights.safetensors").write_bytes(member.encode())
    before = digest_of(tmp_path)
    (tmp_path / "member-2" / "weights.safetensors").write_bytes(b"others")
    assert digest_of(tmp_path) != before


@pytest.mark.usefixtures("torch")
def test_a_network_wishes_tiles_that_fill_its_own() -> None:
    """Cells of 40 px are shown to it at 20 px: 1024 px of its own are 2048 px of the image."""
    from bmbench.adapters.unet.detector import UNetDetector
    from bmbench.adapters.unet.settings import UNetSettings
    from bmbench.adapters.unet.training import Calibration

    calibration = Calibration(factor=0.5, smallest_px2=1.0, mean=(0.0,) * 3, deviation=(1.0,) * 3)
    settings = UNetSettings(tile_px=1024)
    detector: Any = UNetDetector(
        encoding="shrink",
        settings=settings,
        calibration=calibration,
        network=None,  # type: ignore[arg-type]
    )
    assert detector.best_tile_px == 2048
