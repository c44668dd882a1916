"""A slide → fields of view, measured, ranked, and as many chosen as hold the wanted number of cells.

The slide is never in memory: a thumbnail says which fields are stained, these are read one after the other
where a nucleus is `NUCLEUS_PX` wide, and of the best ones a part at full resolution, which focus needs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from bmbench.adapters.images.appearance import nucleus_diameter, spread
from bmbench.benchmark.areas.measures import (
    NUCLEUS_PX,
    NuclearBlobs,
    clearest_ground,
    edge_widths,
    nuclear_blobs,
    nuclear_response,
)
from bmbench.core.progress import Progress
from bmbench.core.types import Bools, Pixels
from bmbench.datasets.slides import Slide, read_region
from bmbench.datasets.slides.tissue import stained, thumbnail
from bmbench.present.words import many

WANTED = 500
"""Cells that a marrow differential rests on (ICSH 2008)."""
FIELD_NUCLEI = 24.0
"""Side of a field in diameters of a nucleus: about 0.2 mm, what an objective of 100 × shows."""
MOST_FIELDS = 1000
"""Of more stained fields as many are looked at, spread evenly."""
LEAST_STAINED = 0.02
"""A field of which a smaller share is stained is empty."""
FEWEST_NUCLEI = 20
"""A field with fewer nuclei is left: one would move the stage for them."""
LEAST_BARE_IN_A_QUARTER = 0.1
"""Likewise of its worst quarter."""
FEWEST_IN_A_QUARTER = 3
"""Nor does a field reach over the edge of what is spread."""
LEAST_ALONE = 0.38
"""In a single layer at least this share of the nuclei stands alone; in thick and crushed parts fewer do."""
LEAST_IN_A_QUARTER = 0.28
"""Likewise of the worst quarter of a field, so that none reaches from a good part into a bad one."""
SHRINKING = 10
"""A share of few nuclei is taken as if there were so many more of them: of a quarter with the share of the
whole field, of a field with the least that is asked for."""
LEAST_BARE = 0.2
"""In a single layer at least this share of a field is bare ground: cells lie beside each other on it."""
WIDEST_EDGE = 0.1
"""In focus an edge is at most this wide, in diameters of a nucleus: chromatin is still to be seen."""
BLURRED = 1.5
"""And at most this many times as wide as on the sharpest tenth of the slide's fields."""
MOST_FOR_FOCUS = 24
"""Fields from which the sharpest tenth is taken, spread evenly."""
MOST_EDGES = 40
"""Nuclei of a field whose edges are measured."""
FEWEST_EDGES = 3
"""Of fewer nuclei no width is told."""
ASSUMED_NUCLEUS_UM = 8.0
"""Diameter of a nucleus where too few are seen to measure it."""
FEW, THICK, PILED, BLURRY = "too few nuclei", "too thick", "piled up or crushed", "out of focus"
"""Why a field is none to count in."""

Box = tuple[float, float, float, float]
"""x0, y0, x1, y1 in pixels of level 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SlideField:
    """One field of view and what was measured on it.

    Attributes
    ----------
    nuclei, alone : int
        How many nuclei there are, and how many of them are round and stand alone.
    bare : float
        Share of the field that is as pale as the slide's clearest ground.
    rank : float
        By which fields are ordered: the share of the nuclei that stands alone, of few nuclei drawn towards
        the least that is asked for.
    fault : str
        Why it is none to count in; empty where nothing speaks against it.
    edge : float or None
        Width of the edges of its nuclei, in their diameters; None where it was not looked at in full.
    """

    box: Box
    nuclei: int
    alone: int
    bare: float
    rank: float
    fault: str = ""
    edge: float | None = None

    @property
    def share(self) -> float:
        """The share of the nuclei that stands alone."""
        return self.alone / max(self.nuclei, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenAreas:
    """The fields of a slide, and those that are counted in.

    Attributes
    ----------
    chosen : tuple of SlideField
        The best first.
    others : tuple of SlideField
        All others that were looked at.
    nucleus_px : float
        Diameter of a nucleus at level 0.
    wanted : int
        Cells that were asked for.
    stained : int
        Fields on which anything is stained; more than were looked at on a large slide.
    """

    chosen: tuple[SlideField, ...]
    others: tuple[SlideField, ...]
    nucleus_px: float
    wanted: int
    stained: int

    def lines(self, name: str) -> tuple[str, ...]:
        """What was chosen, and why not more, for whoever started it."""
        looked = len(self.chosen) + len(self.others)
        faults = Counter(field.fault for field in self.others if field.fault)
        left = ", ".join(f"{n} {fault}" for fault, n in faults.most_common())
        of = f"{many(looked, 'field')} looked at" + (f" ({left})" if left else "")
        if looked < self.stained:
            of += f", spread over {self.stained:,} that are stained"
        if not self.chosen:
            return (f"{name}: no area to count in among {of}; --regions takes areas drawn by hand",)
        n = sum(field.nuclei for field in self.chosen)
        side = self.chosen[0].box[2] - self.chosen[0].box[0]
        text = f"{name}: {many(len(self.chosen), 'area')} of {side:.0f} px chosen, about {n:,} nuclei; {of}"
        short = f"{name}: no {self.wanted:,} nuclei in areas to count in"
        return (text,) if n >= self.wanted else (text, short)


def choose_areas(
    slide: Slide, parts: Sequence[Pixels], *, wanted: int, name: str, progress: Progress
) -> ChosenAreas:
    """The fields to count in; `parts` of the slide at full resolution say how large its nuclei are."""
    assumed = ASSUMED_NUCLEUS_UM / slide.um_per_px if slide.um_per_px else NUCLEUS_PX
    nucleus_px = nucleus_diameter(parts) or assumed
    boxes = _stained_fields(slide, FIELD_NUCLEI * nucleus_px)
    looked = [boxes[row] for row in spread(len(boxes), MOST_FIELDS)]
    stage = progress.track(looked, description=f"Looking for areas on {name}", total=len(looked))
    blobs = [nuclear_blobs(_read(slide, box, NUCLEUS_PX / nucleus_px)) for box in stage]
    response, ground = nuclear_response(blobs), clearest_ground(blobs)
    survey = _Survey(
        slide=slide,
        nucleus_px=nucleus_px,
        fields=[_field(box, part, response, ground) for box, part in zip(looked, blobs, strict=True)],
        blobs=blobs,
    )
    chosen = survey.choose(wanted)
    return ChosenAreas(
        chosen=tuple(survey.fields[row] for row in chosen),
        others=tuple(field for row, field in enumerate(survey.fields) if row not in chosen),
        nucleus_px=nucleus_px,
        wanted=wanted,
        stained=len(boxes),
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Survey:
    """The fields of a slide that were looked at, and their blobs; focus is filled in where it is needed."""

    slide: Slide
    nucleus_px: float
    fields: list[SlideField]
    blobs: list[NuclearBlobs]

    def choose(self, wanted: int) -> list[int]:
        """Rows of the best fields that hold so many nuclei together; those out of focus are marked."""
        order = [row for row, field in enumerate(self.fields) if not field.fault]
        sample = [self._edge(order[at]) for at in spread(len(order), MOST_FOR_FOCUS)]
        edges = [edge for edge in sample if edge is not None]
        # No edge is narrower than the pixels that it is measured in.
        widest = max(WIDEST_EDGE, 1 / self.nucleus_px)
        if edges:
            widest = min(widest, BLURRED * float(np.quantile(edges, 0.1)))
        chosen, nuclei = list[int](), 0
        for row in sorted(order, key=lambda row: -self.fields[row].rank):
            if nuclei >= wanted:
                break
            edge = self._edge(row)
            if edge is None or edge > widest:
                self.fields[row] = replace(self.fields[row], fault=BLURRY)
            else:
                chosen.append(row)
                nuclei += self.fields[row].nuclei
        return chosen

    def _edge(self, row: int) -> float | None:
        """The width of the edges of a field's nuclei in its worst quarter, read at full resolution once."""
        field, blobs = self.fields[row], self.blobs[row]
        if field.edge is None:
            own = np.flatnonzero(blobs.alone)
            own = own[np.argsort(-blobs.response[own], kind="stable")][:MOST_EDGES]
            xy = blobs.xy[own] * (self.nucleus_px / NUCLEUS_PX)
            widths = edge_widths(_read(self.slide, field.box, 1.0), xy, self.nucleus_px)
            quarter = blobs.quarter[own]
            known = [widths[(quarter == number) & np.isfinite(widths)] for number in range(4)]
            edge = max((float(np.median(part)) for part in known if len(part) >= FEWEST_EDGES), default=None)
            self.fields[row] = replace(field, edge=edge)
        return self.fields[row].edge


def _stained_fields(slide: Slide, side: float) -> list[Box]:
    """The fields of about that side that share out the slide, row by row; empty ones are left out."""
    mask = stained(thumbnail(slide))
    rows, columns = (
        np.linspace(0, length, max(1, round(length / side)) + 1) for length in (slide.height, slide.width)
    )
    across, down = mask.shape[1] / slide.width, mask.shape[0] / slide.height
    found = []
    for y0, y1 in pairwise(rows.tolist()):
        for x0, x1 in pairwise(columns.tolist()):
            part = mask[
                int(y0 * down) : int(np.ceil(y1 * down)), int(x0 * across) : int(np.ceil(x1 * across))
            ]
            if part.mean() >= LEAST_STAINED:
                found.append((x0, y0, x1, y1))
    return found


def _read(slide: Slide, box: Box, factor: float) -> Pixels:
    """A part of the slide, so many times as large as at level 0."""
    size = max(1, round((box[2] - box[0]) * factor)), max(1, round((box[3] - box[1]) * factor))
    return read_region(slide, box, size)


def _field(box: Box, blobs: NuclearBlobs, response: float, ground: float) -> SlideField:
    """The field, judged by its nuclei and its ground; focus is still to be looked at."""
    nuclear = blobs.response >= response
    n, n_alone, bare = int(nuclear.sum()), int((nuclear & blobs.alone).sum()), blobs.bare(ground)
    fault = ""
    if n < FEWEST_NUCLEI:
        fault = FEW
    elif bare.mean() < LEAST_BARE or bare.min() < LEAST_BARE_IN_A_QUARTER:
        fault = THICK
    elif n_alone < LEAST_ALONE * n or _worst_quarter(blobs, nuclear) < LEAST_IN_A_QUARTER:
        fault = PILED
    rank = (n_alone + SHRINKING * LEAST_ALONE) / (n + SHRINKING)
    return SlideField(box=box, nuclei=n, alone=n_alone, bare=float(bare.mean()), rank=rank, fault=fault)


def _worst_quarter(blobs: NuclearBlobs, nuclear: Bools) -> float:
    """The share of nuclei that stand alone in the quarter of a field where it is least; 0 of an empty one."""
    n = np.bincount(blobs.quarter[nuclear], minlength=4)
    alone = np.bincount(blobs.quarter[nuclear & blobs.alone], minlength=4)
    if n.min() < FEWEST_IN_A_QUARTER:
        return 0.0
    whole = alone.sum() / n.sum()
    return float(((alone + SHRINKING * whole) / (n + SHRINKING)).min())
