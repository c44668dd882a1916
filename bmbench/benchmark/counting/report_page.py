"""The report of a count: one HTML file with pictures, marks and script inside, which needs no network.

The page is written image by image, so that a thousand of them need no more memory than one. A reader moves
the confidence, and marks, counts and percentages move at once: what they are at each stop is computed here,
and the script only shows it. A strict content security policy lets run what stands in the file, nothing else.
"""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from importlib.resources import files
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from bmbench.benchmark.counting.differential import Differential
from bmbench.benchmark.counting.overlays import CountOverlay, thinned
from bmbench.benchmark.counting.report_facts import row_labels, row_texts, title
from bmbench.benchmark.counting.tables import HEADS
from bmbench.benchmark.counting.tally import CountedImage, Stops
from bmbench.benchmark.protocol.lineages import CountedClass
from bmbench.core.types import Detections

SIDES = ((24, 1280), (100, 900), (300, 640))
"""Up to so many images, pictures are so many pixels a side at most; of more images `LEAST_SIDE`."""
LEAST_SIDE = 400
MOST_MARKS = 4_000
"""Cells of one image that a reader can switch; of more, those that count are drawn into the picture."""
MOST_ALL_MARKS = 150_000
"""Likewise of all images."""
QUARTERS = 4
"""Marks are written in quarters of a pixel."""
POINTS = 32
"""Points of an outline."""
_QUALITY = 82


@dataclass(slots=True, kw_only=True, eq=False)
class ImageMarks:
    """The marks of one image as the page's script draws them; None once there are too many."""

    stops: Stops
    factor: float
    most: int
    marks: list[list[int]] | None = field(default_factory=list)

    def add(self, found: Detections) -> None:
        """Some more cells: class, highest stop, box, outline where there is one."""
        if self.marks is None:
            return
        if len(self.marks) + len(found) > self.most:
            self.marks = None
            return
        box = np.round(found.box * self.factor * QUARTERS).astype(int)
        stop = np.searchsorted(self.stops.thresholds, found.confidence, side="right") - 1
        for row in range(len(found)):
            outline: list[int] = []
            if found.contour[row]:
                ring = thinned(max(found.contour[row], key=len), POINTS)
                outline = np.round(ring * self.factor * QUARTERS).astype(int).ravel().tolist()
            self.marks.append([int(found.label[row]), int(stop[row]), *box[row].tolist(), *outline])


@dataclass(slots=True, kw_only=True, eq=False)
class ReportImages:
    """The images of a report, written one after the other to a file beside it."""

    file: BinaryIO
    classes: Sequence[CountedClass]
    side: int
    marks_left: int = MOST_ALL_MARKS

    @classmethod
    def of(cls, file: BinaryIO, classes: Sequence[CountedClass], n_images: int) -> ReportImages:
        """For so many images, whose pictures are as large as their number allows."""
        side = next((side for most, side in SIDES if n_images <= most), LEAST_SIDE)
        return cls(file=file, classes=classes, side=side)

    def marks(self, overlay: CountOverlay, stops: Stops) -> ImageMarks:
        """What collects the marks of an image."""
        height, width = overlay.plain.shape[:2]
        shrink = min(1.0, self.side / max(height, width))
        return ImageMarks(stops=stops, factor=overlay.factor * shrink, most=min(MOST_MARKS, self.marks_left))

    def add(self, image: CountedImage, overlay: CountOverlay, marks: ImageMarks) -> None:
        """Write an image with its marks; with its overlay where there are too many of them."""
        self.marks_left -= len(marks.marks or ())
        picture, size = _jpeg(overlay, self.side, drawn=marks.marks is None)
        facts = {
            "patient": image.patient,
            "size": size,
            "counts": image.counts.tolist(),
            "marks": marks.marks,
        }
        patient = f" ({escape(image.patient)})" if image.patient else ""
        note = "" if marks.marks is not None else "<small>too many cells to be switched one by one</small>"
        name = escape(image.name)
        known = zip(self.classes, image.counts[marks.stops.chosen].tolist(), strict=True)
        counted = ", ".join(f"{one.name} {n}" for one, n in known if n) or "no cell"
        self._write(
            f"<figure><button type='button' aria-label='Enlarge {name}'>"
            f"<img alt='' width='{size[0]}' height='{size[1]}' src='data:image/jpeg;base64,"
        )
        self.file.write(base64.b64encode(picture))
        self._write(
            f"'><canvas aria-hidden='true'></canvas></button><figcaption><b>{name}</b>{patient}"
            f"<small>{escape(counted)}</small>{note}</figcaption>"
            f"<script type='application/json'>{_json(facts)}</script></figure>\n"
        )

    def _write(self, text: str) -> None:
        self.file.write(text.encode("utf-8", "replace"))


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportHead:
    """What stands above the images.

    Attributes
    ----------
    heading : str
    about : tuple of str
        What was counted with what, and what a reader should know, a sentence each.
    found : tuple of Differential
        At the count's own threshold: what is shown without a script.
    facts : mapping
        See `bmbench.benchmark.counting.report_facts`.
    """

    heading: str
    about: tuple[str, ...]
    found: tuple[Differential, ...]
    facts: Mapping[str, Any]


def write_report(path: Path, head: ReportHead, images: Path) -> None:
    """Write the page with the images of a file that `ReportImages` wrote."""
    style, script = (
        (files("bmbench.benchmark.counting") / "page_parts" / name).read_text("utf-8")
        for name in ("report.css", "report.js")
    )
    policy = (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    with path.open("wb") as file:
        top = [
            "<!doctype html>\n<html lang='en'><head><meta charset='utf-8'>",
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
            "<meta name='viewport' content='width=device-width, initial-scale=1'>",
            f"<title>{escape(head.heading)}</title><style>{style}</style></head><body>",
            *_body(head),
            "<h2>Images</h2><div class='gallery'>\n",
        ]
        file.write("\n".join(top).encode("utf-8", "replace"))
        with images.open("rb") as parts:
            shutil.copyfileobj(parts, file, 1 << 20)
        bottom = f"</div>{_VIEWER}<script type='application/json' id='facts'>{_json(head.facts)}</script>"
        file.write(f"{bottom}<script>{script}</script></body></html>\n".encode("utf-8", "replace"))


def _body(head: ReportHead) -> Iterator[str]:
    yield f"<h1>{escape(head.heading)}</h1>"
    yield from (f"<p class='soft'>{escape(text)}</p>" for text in head.about)
    yield "<noscript><p>Marks and choices need the script of this page, which is switched off.</p></noscript>"
    yield from _controls(head.facts)
    first = head.found[0]
    yield f"<h2 id='whose' aria-live='polite'>{escape(title(first))}</h2><div class='two'>"
    yield from _summary(first)
    yield "<div>"
    if first.cut_offs:
        yield from _cut_offs(first)
    yield "<h2>Sizes of all</h2><canvas id='sizes' role='img' height='200'></canvas></div></div>"


def _controls(facts: Mapping[str, Any]) -> Iterator[str]:
    last, chosen = len(facts["stops"]) - 1, facts["chosen"]
    yield "<div class='controls'>"
    if last:
        yield (
            "<label>Confidence at least <input type='range' id='confidence' min='0' "
            f"max='{last}' step='1' value='{chosen}'> <output id='shown' for='confidence'>"
            f"{facts['stops'][chosen]:.3f}</output></label>"
            "<button type='button' id='reset'>As counted</button>"
        )
    if len(facts["who"]) > 1:
        options = "".join(
            f"<option value='{n}'>{escape(name)}</option>" for n, name in enumerate(facts["who"])
        )
        yield f"<label class='choose'>Patient <select id='who'>{options}</select></label>"
    yield "<fieldset class='classes'><legend>Classes whose marks are shown</legend>"
    for row, one in enumerate(facts["classes"]):
        yield (
            f"<label><input type='checkbox' checked> <canvas class='sign' data-row='{row}' width='18' "
            f"height='18' aria-hidden='true'></canvas>{escape(one['name'])}</label>"
        )
    yield "</fieldset></div>"


def _summary(found: Differential) -> Iterator[str]:
    shown = [text if not found.one_class or text == HEADS[0] else "" for text in ("", *HEADS)]
    heads = "".join(f"<th scope='col'>{escape(text)}</th>" for text in shown)
    yield f"<div class='wide'><table id='summary'><thead><tr>{heads}</tr></thead><tbody>"
    last = "class"
    for (kind, name), cells in zip(row_labels(found), row_texts(found), strict=True):
        mark = "" if kind == last else " class='first'"
        last = kind
        values = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
        yield f"<tr{mark}><th scope='row'>{escape(name)}</th>{values}</tr>"
    yield "</tbody>"
    if not found.one_class:
        yield (
            "<caption>The 95 % limits allow for cells of one image or patient being alike; binomial limits "
            "(Rümke) do not. To ± 5: cells still to count until the limits lie within 5 points.</caption>"
        )
    yield "</table></div>"


def _cut_offs(found: Differential) -> Iterator[str]:
    from bmbench.benchmark.counting.differential import sureness

    yield "<h2>Cut-offs</h2><div class='wide'><table id='cuts'><tbody>"
    for cut in found.cut_offs:
        yield (
            f"<tr><th scope='row'>{escape(cut.name)} at or above {100 * cut.at:g} %</th>"
            f"<td>{escape(sureness(cut))}</td></tr>"
        )
    yield "</tbody><caption>How sure it is that the share lies at or above the cut-off.</caption>"
    yield "</table></div>"


_VIEWER = """<dialog id='viewer' aria-label='Enlarged image'><div class='bar'><strong id='title'></strong>
<button type='button' id='previous' aria-label='Previous image (p)'>‹</button>
<button type='button' id='next' aria-label='Next image (n)'>›</button>
<button type='button' id='out' aria-label='Smaller (minus)'>−</button>
<button type='button' id='in' aria-label='Larger (plus)'>+</button>
<button type='button' id='whole' aria-label='Whole image (0)'>Fit</button>
<button type='button' id='close'>Close</button><small class='soft' id='told'></small></div>
<canvas id='view' tabindex='0' role='img' aria-label='Image with marks; arrows move it'></canvas></dialog>
"""


def _jpeg(overlay: CountOverlay, side: int, *, drawn: bool) -> tuple[bytes, tuple[int, int]]:
    """The image as JPEG, and its (width, height)."""
    from PIL import Image

    picture = overlay.picture.copy() if drawn else Image.fromarray(overlay.plain)
    picture.thumbnail((side, side), Image.Resampling.LANCZOS)
    buffer = BytesIO()
    picture.save(buffer, format="JPEG", quality=_QUALITY)
    return buffer.getvalue(), picture.size


def _json(value: Any) -> str:
    """JSON that ends no script element."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
