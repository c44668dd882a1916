"""Areas to count in, on drawn slides whose zones are known."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from bmbench.benchmark.areas.area_files import write_areas
from bmbench.benchmark.areas.choose import BLURRY, FEW, PILED, THICK, ChosenAreas, SlideField, choose_areas
from bmbench.benchmark.areas.measures import edge_widths
from bmbench.benchmark.prediction.selection import in_regions
from bmbench.core.progress import Silent
from bmbench.core.types import Floats, Pixels
from tests.benchmark.prediction.spots import in_memory

NUCLEUS_PX = 16
SIDE_PX = 768
"""Side of a zone: two fields."""
ZONES = (("countable", PILED, FEW), (BLURRY, THICK, "countable"))
LOST_PX = 100
"""A field that reaches so far into another zone belongs to none."""


def nuclei(rng: np.random.Generator, zone: str) -> Floats:
    """Centres in a zone: a jittered grid where they stand alone, clumps of nuclei that touch, or few."""
    step = {PILED: 15, FEW: 100}.get(zone, 44)
    at = np.arange(step / 2, SIDE_PX, step)
    grid = np.stack(np.meshgrid(at, at), axis=-1).reshape(-1, 2)
    if zone == PILED:
        # Between the clumps there is as much bare ground as in a single layer.
        return grid[(grid % 190 < 130).all(axis=1)] + rng.uniform(-3, 3, (1, 2))
    return grid + rng.uniform(-6, 6, grid.shape)


def zone_pixels(rng: np.random.Generator, zone: str) -> Pixels:
    """Dark discs in paler ones on a white ground, with what is wrong with the zone."""
    nucleus, cell = np.zeros((2, SIDE_PX, SIDE_PX))
    y, x = np.mgrid[-20:21, -20:21]
    far = np.hypot(x, y)
    for cx, cy in nuclei(rng, zone):
        low = np.array([int(cy), int(cx)]) - 20
        first, end = np.maximum(low, 0), np.minimum(low + 41, SIDE_PX)
        place, own = (
            tuple(slice(a, b) for a, b in zip(first - shift, end - shift, strict=True)) for shift in (0, low)
        )
        nucleus[place] = np.maximum(nucleus[place], np.clip(NUCLEUS_PX / 2 - far + 0.5, 0, 1)[own])
        cell[place] = np.maximum(cell[place], np.clip(NUCLEUS_PX - 5 - far + 0.5, 0, 1)[own])
    density = 0.9 * nucleus + 0.15 * cell + 0.05 + (0.25 if zone == THICK else 0.0)
    density = ndimage.gaussian_filter(density, 0.2 * NUCLEUS_PX if zone == BLURRY else 0.7)
    grey = 255 * np.exp(-density) + rng.normal(0, 1, density.shape)
    return np.repeat(np.clip(grey, 0, 255).astype(np.uint8)[..., None], 3, axis=2)


@pytest.fixture(scope="module")
def slide_pixels() -> Pixels:
    rng = np.random.default_rng(3)
    return np.concatenate([np.concatenate([zone_pixels(rng, z) for z in row], axis=1) for row in ZONES])


@pytest.fixture(scope="module")
def areas(slide_pixels: Pixels) -> ChosenAreas:
    parts = [slide_pixels[:SIDE_PX, :SIDE_PX]]
    return choose_areas(in_memory(slide_pixels), parts, wanted=300, name="a.tif", progress=Silent())


def zone_of(field: SlideField) -> str | None:
    """The zone that a field lies in; None of one that reaches into two."""
    x0, y0, x1, y1 = (round(edge) for edge in field.box)
    if (x0 + LOST_PX) // SIDE_PX != (x1 - LOST_PX) // SIDE_PX:
        return None
    if (y0 + LOST_PX) // SIDE_PX != (y1 - LOST_PX) // SIDE_PX:
        return None
    return ZONES[(y0 + LOST_PX) // SIDE_PX][(x0 + LOST_PX) // SIDE_PX]


def test_the_nucleus_is_measured_and_not_stated(areas: ChosenAreas) -> None:
    assert areas.nucleus_px == pytest.approx(NUCLEUS_PX, rel=0.15)


def test_what_is_chosen_is_countable_and_holds_the_cells(areas: ChosenAreas) -> None:
    assert areas.chosen
    assert {zone_of(field) for field in areas.chosen} == {"countable"}
    assert sum(field.nuclei for field in areas.chosen) >= 300
    ranks = [field.rank for field in areas.chosen]
    assert ranks == sorted(ranks, reverse=True)


def test_no_more_is_chosen_than_the_cells_need(areas: ChosenAreas) -> None:
    assert sum(field.nuclei for field in areas.chosen[:-1]) < 300


def test_every_other_zone_has_its_fault(slide_pixels: Pixels) -> None:
    # So many cells that every field is looked at in full.
    every = choose_areas(
        in_memory(slide_pixels),
        [slide_pixels[:SIDE_PX, :SIDE_PX]],
        wanted=10**6,
        name="a.tif",
        progress=Silent(),
    )
    found = {zone: {f.fault for f in every.others if zone_of(f) == zone} for row in ZONES for zone in row}
    faults = (FEW, PILED, BLURRY, THICK)
    assert found == {"countable": set(), **{fault: {fault} for fault in faults}}
    assert "no 1,000,000 nuclei in areas to count in" in every.lines("a.tif")[1]


def test_nuclei_that_touch_stand_not_alone(areas: ChosenAreas) -> None:
    share = {
        zone: [f.share for f in (*areas.chosen, *areas.others) if zone_of(f) == zone] for zone in ZONES[0]
    }
    assert min(share["countable"]) > 0.9
    assert max(share[PILED]) < 0.3


@pytest.mark.parametrize("blur_px", [1.0, 2.0, 4.0])
def test_an_edge_is_as_wide_as_the_blur_that_made_it(blur_px: float) -> None:
    y, x = np.mgrid[:200, :200]
    density = ndimage.gaussian_filter(0.8 * (np.hypot(x - 100, y - 100) < 30).astype(float), blur_px)
    image = np.repeat((256 * np.exp(-density) - 1).astype(np.uint8)[..., None], 3, axis=2)
    (width,) = edge_widths(image, np.array([[100.0, 100.0]]), 60.0)
    # The slope is read off a plane that was smoothed by 0.7 px, and its steepest fiftieth is left out.
    assert 60 * width == pytest.approx(np.hypot(blur_px, 0.7), rel=0.2)
    assert np.isnan(edge_widths(image, np.array([[10.0, 100.0]]), 60.0)).all()


def test_an_image_without_cells_has_no_area_and_says_so() -> None:
    empty = np.full((900, 900, 3), 240, np.uint8)
    found = choose_areas(in_memory(empty, 0.5), [empty], wanted=500, name="b.tif", progress=Silent())
    assert not found.chosen
    assert found.lines("b.tif") == (
        "b.tif: no area to count in among 0 fields looked at; --regions takes areas drawn by hand",
    )


@pytest.mark.usefixtures("full_pictures")
def test_the_file_is_what_regions_take(areas: ChosenAreas, slide_pixels: Pixels, tmp_path: Path) -> None:
    Image.fromarray(slide_pixels).save(tmp_path / "a.png")
    outlines, picture = write_areas(tmp_path / "areas", areas, stem="a", path=tmp_path / "a.png")
    selection = in_regions(outlines)
    middles = np.array([[(f.box[0] + f.box[2]) / 2, (f.box[1] + f.box[3]) / 2] for f in areas.chosen])
    assert selection.inside(middles).all()
    others = np.array([[(f.box[0] + f.box[2]) / 2, (f.box[1] + f.box[3]) / 2] for f in areas.others])
    assert not selection.inside(others).any()
    first = json.loads(outlines.read_text())["features"][0]["properties"]
    assert first["objectType"] == "annotation"
    assert first["measurements"]["Nuclei"] == areas.chosen[0].nuclei
    with Image.open(picture) as shown:
        assert shown.width > 500


def test_cells_are_reported_in_the_areas_alone(
    blob_run: Path,
    slide_pixels: Pixels,
    tmp_path: Path,
    bmbench: Callable[..., Any],
) -> None:
    Image.fromarray(slide_pixels[:SIDE_PX, : SIDE_PX + 100]).save(tmp_path / "a.png")
    asked = ("--run", blob_run, "--threshold", 0.3, "--areas", "auto", "--areas-cells", 100)
    first = bmbench("predict", tmp_path / "a.png", *asked, "-o", tmp_path / "out.csv")
    assert first.code == 0
    assert "chosen, about" in first.out
    written = first.out.replace("\n", "").split("Written: ")[1]
    assert written.startswith(f"{tmp_path / 'out.csv'}, {tmp_path / 'areas'}")
    inside = in_regions(tmp_path / "areas" / "a.geojson").inside
    rows = [line.split(",") for line in (tmp_path / "out.csv").read_text().splitlines()]
    at = [rows[0].index(name) for name in ("x_px", "y_px")]
    centres = np.array([[float(row[column]) for column in at] for row in rows[1:]])
    assert len(centres)
    assert inside(centres).all()
    # Given back as regions, they say the same cells.
    regions = ("--regions", tmp_path / "areas" / "a.geojson", "-o", tmp_path / "again.csv")
    assert bmbench("predict", tmp_path / "a.png", *asked[:4], *regions).code == 0
    assert (tmp_path / "again.csv").read_bytes() == (tmp_path / "out.csv").read_bytes()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--areas", "auto", "--everywhere"], "--areas and --everywhere both say where to look"),
        (["--areas", "auto", "--regions", "r.geojson"], "--areas and --regions both say where to look"),
        (["--areas-cells", "100"], "--areas-cells without --areas"),
    ],
)
def test_what_contradicts_itself_is_refused(
    blob_run: Path,
    tmp_path: Path,
    more: list[str],
    said: str,
    bmbench: Callable[..., Any],
) -> None:
    Image.fromarray(np.full((64, 64, 3), 240, np.uint8)).save(tmp_path / "a.png")
    for command in ("predict", "count"):
        out = tmp_path / command
        answer = bmbench(command, tmp_path / "a.png", "--run", blob_run, "-o", out, *more)
        assert answer.code == 2
        assert said in answer.err
