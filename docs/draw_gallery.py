"""Write docs/gallery.md and its small pictures: ``python docs/draw_gallery.py RUNS``.

`RUNS` is a folder with the run, and the search, that the page's commands make. Pictures of studies and boards
are made smaller from those that this documentation holds.
"""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image

DOCS = Path(__file__).resolve().parent
SMALL = DOCS / "images" / "small"
WIDTH = 420
UNET = "synthetic-weak-unet_shrink-quick-s0"
STUDY = "docs:results/synthetic"
SECTIONS: tuple[tuple[str, str, tuple[tuple[str, str, str], ...]], ...] = (
    (
        "A run",
        "bmbench run --method unet_shrink",
        (
            ("pr_curves.png", "precision against recall, with lines of equal F1", f"{UNET}/pr_curves.png"),
            (
                "curve.png",
                "losses, learning rate, and the step that was kept",
                f"{UNET}/curve.png",
            ),
            (
                "gallery.png",
                "the test images with most errors",
                f"{UNET}/gallery.png",
            ),
            ("gallery/", "each test image by itself", f"{UNET}/gallery/0000-*.png"),
            ("targets.png", "what a U-Net is taught of the annotations", f"{UNET}/targets.png"),
        ),
    ),
    (
        "A run that tells classes apart",
        "bmbench run --method retinanet --classes all",
        (("confusion.png", "what cells of each class are taken for", "docs:images/classes_confusion.png"),),
    ),
    (
        "A search",
        "bmbench tune --method unet_shrink --trials 40",
        (("importance.png", "which settings matter", "*-tuning/importance.png"),),
    ),
    (
        "A study",
        "bmbench reproduce --dataset synthetic --out study",
        (
            (
                "scores_weak.png",
                "F1 and AP of every method, with intervals",
                f"{STUDY}/scores_weak.png",
            ),
            ("pr_weak.png", "their curves", f"{STUDY}/pr_weak.png"),
            (
                "counts.png",
                "predicted against true cells, a point a patient: the seven methods that agree best",
                "study/counts.png",
            ),
            ("pr_encodings.png", "the curves of the encodings", f"{STUDY}/pr_encodings.png"),
            (
                "cells_and_artefacts.png",
                "errors on cells and artefacts",
                f"{STUDY}/cells_and_artefacts.png",
            ),
            (
                "artefacts.png",
                "errors by what was taught of artefacts",
                f"{STUDY}/artefacts.png",
            ),
            (
                "examples.jpg",
                "the same images, answered by every method",
                f"{STUDY}/examples.jpg",
            ),
            ("encodings.png", "what each encoding teaches", f"{STUDY}/encodings.png"),
        ),
    ),
    (
        "A budget of annotations",
        "bmbench budget --dataset my.json --out budget",
        (
            (
                "budget.png",
                "F1 against minutes of annotation; here of a method that learns little, on eight images",
                "budget/budget.png",
            ),
        ),
    ),
    (
        "Runs, by what they learned of artefacts",
        "bmbench artefacts RUN…",
        (("artefacts.png", "errors by cause", "docs:results/detectors/artefacts.png"),),
    ),
    (
        "A leaderboard",
        "bmbench leaderboard build BOARD",
        (
            ("index.html", "the board, with rank sets and intervals", "docs:images/board.png"),
            ("compare.html", "two submissions, paired", "docs:images/compare.png"),
        ),
    ),
    (
        "Synthetic smears",
        "bmbench datasets synthesise FOLDER --images 36",
        (
            (
                "images/",
                "cells, and what only looks like cells",
                "docs:images/synthetic_sample.png",
            ),
            ("--stain", "five stains of the same smear", "docs:images/stains.jpg"),
        ),
    ),
    (
        "The drawn set of the marrow benchmark",
        "bmbench run --dataset marrow_1",
        (("marrow_1.jpg", "what is hard about it, tier by tier", "docs:images/marrow_1.jpg"),),
    ),
)
"""Title, command, and of each picture its file, what it shows, and where the small one is made from."""
HEAD = """# Gallery

Every picture that bmbench makes, and the command that makes it. Those of a run are in its folder;
`bmbench view RUN` shows them together. `docs/draw_gallery.py` makes this page.
"""


def name_of(title: str, file: str) -> str:
    """The file name of a small picture."""
    text = f"{title}-{file}".lower()
    return "".join(letter if letter.isalnum() else "-" for letter in text).strip("-") + ".jpg"


def page() -> str:
    """The page."""
    parts = [HEAD]
    for title, command, pictures in SECTIONS:
        parts.append(f"## {title}\n\n    {command}\n")
        # No table: in its columns pictures shrink until nobody can read them.
        parts += [
            f"`{file}`: {words}\n\n![{words}](images/small/{name_of(title, file)})\n"
            for file, words, _ in pictures
        ]
    return "\n".join(parts)


def main() -> None:
    """Write the page and the small pictures."""
    runs = Path(sys.argv[1])
    SMALL.mkdir(parents=True, exist_ok=True)
    for title, _, pictures in SECTIONS:
        for file, _, source in pictures:
            if source.startswith("docs:"):
                found = DOCS / source.removeprefix("docs:")
            else:
                found = next(iter(sorted(runs.rglob(source))), SMALL / name_of(title, file))
            with Image.open(found) as picture:
                small = picture.convert("RGB")
                small.thumbnail((WIDTH, WIDTH))
                small.save(SMALL / name_of(title, file), quality=80, optimize=True)
    (DOCS / "gallery.md").write_text(page(), "utf-8")


if __name__ == "__main__":
    main()
