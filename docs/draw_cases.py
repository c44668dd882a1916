"""Write docs/cases.md and its pictures from the tests' own cases: ``python docs/draw_cases.py``.

The cases are those of tests/metrics/test_black_box.py, with the answers that the tests hold bmbench to. The
tests compare the page with what this script makes.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from bmbench.present.palette import BLUE, VERMILLION  # noqa: E402
from bmbench.present.svg import SvgDrawing  # noqa: E402
from tests.metrics.test_black_box import CASES, Case  # noqa: E402

PICTURES = ROOT / "docs" / "images" / "cases"
WIDTH, HEIGHT, MARGIN = 300.0, 150.0, 18.0
_MANY = 10
"""Predictions from which on confidences are left out of a picture."""
WHY = {
    "equal overlaps": "Both cells are overlapped alike. Each prediction gets one; neither is a duplicate.",
    "annotation id 0": "An annotation whose id is 0 is an annotation like any other.",
    "second-best free cell": "The first takes the cell that both fit best; the second takes the other cell.",
    "tie across images, hit first": "Equal confidences are one step of the curve: order changes nothing.",
    "tie across images, hit last": "The same in the other order: the same answer.",
    "an ignored cell that is not found": "An ignored cell is no miss.",
    "an ignored cell found three times": "Predictions on an ignored cell count neither way, however many.",
    "detections in an ignored region": "The same holds for a region that is ignored.",
    "150 cells on one image, all found": "All predictions of an image count, not the first hundred.",
    "29 of 100 cells": "Recall is exactly 0.29, and so is the area.",
    "no cells": "Without cells recall, F1 and AP are undefined, not 0; the prediction is a false alarm.",
    "no detections": "Without predictions precision is undefined, and nothing is found.",
    "nothing at all": "Without cells and predictions nothing is defined.",
    "the same cell twice": "The second prediction on a cell is a false alarm, and called a duplicate.",
    "no iscrowd": "Keys that COCO has as optional may be absent.",
    "no annotation id": "So may the id of an annotation.",
}
HEAD = """# Canonical cases

Small cases that decide how a score is meant, each with the answer that bmbench gives. Programs differ in many
of them. They are the cases of `tests/metrics/test_black_box.py`, which holds bmbench to these answers with
greedy and with Hungarian assignment, for boxes (IoU 0.5) and centres (10 px). `docs/draw_cases.py` makes this
page.

A cell is a blue box, an ignored one is dashed; a prediction is an orange dashed box with its confidence.
"""


def page() -> str:
    """The page: every case with its picture and answer, then what is refused."""
    parts = [HEAD]
    for number, case in enumerate(drawn()):
        answer = ", ".join(f"{name} {shown(value)}" for name, value in (case.expected or {}).items())
        parts.append(
            f"## {case.name[0].upper() + case.name[1:]}\n\n{WHY[case.name]}\n\n"
            f"![{case.name}](images/cases/{number:02d}.svg)\n\nAnswer: {answer}.\n"
        )
    refused = [f"| {case.name} | `{case.refusal.partition('.*')[0]}` |" for case in CASES if case.refusal]
    parts.append(
        "## What is refused\n\nWith a sentence that names the file and the place:\n\n"
        "| case | place |\n|---|---|\n" + "\n".join(refused) + "\n"
    )
    return "\n".join(parts)


def drawn() -> list[Case]:
    """The cases that have an answer."""
    return [case for case in CASES if not case.refusal]


def shown(value: Any) -> str:
    """A value as text: what is undefined has a word of its own."""
    if value is None:
        return "undefined"
    value = getattr(value, "expected", value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def picture(case: Case) -> str:
    """The case as SVG: an image beside the other, where it has something on both."""
    both = [*case.cells, *case.predictions]
    images = sorted({1, *(one["image_id"] for one in both)})
    right = max((one["bbox"][0] + one["bbox"][2] for one in both), default=20)
    bottom = max((one["bbox"][1] + one["bbox"][3] for one in both), default=20)
    scale = min(4.0, (WIDTH - 2 * MARGIN) / right, HEIGHT / bottom)
    height = bottom * scale + 2 * MARGIN + 14
    drawing = SvgDrawing(WIDTH * len(images), height, case.name)
    for place, image in enumerate(images):
        left = place * WIDTH
        drawing.rect(left + 2, 2, WIDTH - 4, height - 4, fill="none", stroke="#d8dee4")
        drawing.text(left + 8, height - 8, f"image {image}", font_size=11, fill="#57606a")
        for cell in case.cells:
            if cell["image_id"] == image:
                ignored = cell.get("ignore") or cell.get("iscrowd")
                look = {"stroke_dasharray": "4 3"} if ignored else {"fill": "#d6e8f5"}
                box(drawing, cell["bbox"], left, scale, stroke=BLUE, stroke_width=2, **look)
        for row, one in enumerate(case.predictions):
            if one["image_id"] == image:
                look = {"stroke_dasharray": "6 3", "stroke_width": 1.6}
                box(drawing, one["bbox"], left, scale, stroke=VERMILLION, **look)
                if len(case.predictions) < _MANY:
                    x, y, _, tall = (value * scale for value in one["bbox"])
                    below = y - 4 if row % 2 == 0 else y + tall + 13
                    score = f"{one['score']:g}"
                    drawing.text(left + MARGIN + x, MARGIN + below, score, font_size=11, fill=VERMILLION)
    return str(drawing)


def box(drawing: SvgDrawing, bbox: list[float], left: float, scale: float, **look: object) -> None:
    """An outline at its place."""
    x, y, width, height = (value * scale for value in bbox)
    drawing.rect(left + MARGIN + x, MARGIN + y, width, height, **({"fill": "none"} | look))


def main() -> None:
    """Write the page and its pictures."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    for number, case in enumerate(drawn()):
        (PICTURES / f"{number:02d}.svg").write_text(picture(case), "utf-8")
    (ROOT / "docs" / "cases.md").write_text(page(), "utf-8")


if __name__ == "__main__":
    main()
