"""A predictions file of a submission, checked row by row."""

import math
from collections import Counter
from typing import Any, TypeGuard

from bmbench.datasets.reading.near_misses import shift_of, shift_words
from bmbench.leaderboards.submissions.problems import Problems, pointer, quoted
from bmbench.leaderboards.tracks.manifest import ImageFacts, Manifest

PREDICTIONS_SCHEMA = "bmbench.predictions/1"
_KEYS = {"schema", "images", "detections"}
_FIELDS = {"image_id", "category_id", "bbox", "score", "center", "segmentation"}
_REMEDY_BOX = "give [x, y, width, height] in pixels, width and height above 0"


def check_predictions(value: Any, manifest: Manifest, problems: Problems) -> None:
    """Add every fault of a predictions file (as its JSON value) to `problems`."""
    if not isinstance(value, dict) or value.get("schema") != PREDICTIONS_SCHEMA:
        remedy = f'wrap the list: {{"schema": "{PREDICTIONS_SCHEMA}", "images": [...], "detections": [...]}}'
        problems.add("E401", "", "is not a predictions file with its images", remedy)
        return
    for key in value:
        if key not in _KEYS:
            problems.add("E302", pointer(key), "is not a field of a predictions file", "take it out")
    images, rows = value.get("images"), value.get("detections")
    for key, found in (("images", images), ("detections", rows)):
        if not isinstance(found, list):
            problems.add("E401", pointer(key), "is not a list", "see docs/files.md")
    if isinstance(images, list) and isinstance(rows, list):
        _check_images(images, manifest, problems)
        _Rows(manifest, problems).check(rows)


def _check_images(images: list[Any], manifest: Manifest, problems: Problems) -> None:
    known = {_key(image.id) for image in manifest.images}
    seen: set[tuple[type, Any]] = set()
    for row, image_id in enumerate(images):
        key = _key(image_id)
        if key not in known:
            problems.add("E402", pointer("images", row), "is not an image of the track", "take it out")
        elif key in seen:
            problems.add("E409", pointer("images", row), "is there twice", "name each image once")
        seen.add(key)
    _explain_images(images, manifest, problems)
    missing = len(known - seen)
    if missing:
        text = f"{missing} of {len(known)} images of the track are not answered"
        problems.add("E403", "/images", text, "name every image; an empty answer is one, too")


class _Rows:
    """The checks of single detections."""

    def __init__(self, manifest: Manifest, problems: Problems) -> None:
        self._manifest = manifest
        self._images = {_key(image.id): image for image in manifest.images}
        self._categories = {_key(category) for category in manifest.categories}
        self._limits = manifest.limits
        self._problems = problems

    def check(self, rows: list[Any]) -> None:
        counts = Counter(_key(row.get("image_id")) for row in rows if isinstance(row, dict))
        most = self._limits.detections_per_image
        for key, count in counts.items():
            if count > most and key in self._images:
                text = f"{count} detections on one image"
                self._problems.add("E404", "/detections", text, f"keep the {most} most confident ones")
        for number, row in enumerate(rows):
            self._check_row(row, pointer("detections", number))
        self._explain([row for row in rows if isinstance(row, dict)])

    def _explain(self, rows: list[dict[str, Any]]) -> None:
        """What most rows have in common that makes them faults: how other programs count and write."""
        _explain_images([row.get("image_id") for row in rows], self._manifest, self._problems)
        most = 0.5 * len(rows)
        of_category = {_key(row.get("category_id")) for row in rows} - self._categories
        if rows and of_category and all(_key(row.get("category_id")) in of_category for row in rows):
            known = ", ".join(str(number) for number in sorted(number for _, number in self._categories))
            got = ", ".join(sorted(quoted(value) for _, value in of_category)[:3])
            cause = (
                f"classes counted from another number, or as text? The track has {known}, all rows have {got}"
            )
            self._problems.explain("E408", cause)
        scores = [row["score"] for row in rows if _is_number(row.get("score"))]
        if sum(1 < score <= 100 for score in scores) > most and min(scores, default=0) >= 0:
            self._problems.explain("E407", "scores in per cent?")
        elif any(score < 0 for score in scores):
            self._problems.explain("E407", "logits? give their sigmoid or softmax")
        if self._fitting_corners(rows) > most:
            for code in ("E405", "E406"):
                self._problems.explain(code, "x1 y1 x2 y2 given as x, y, width, height?")

    def _fitting_corners(self, rows: list[dict[str, Any]]) -> int:
        """How many boxes are boxes of their image if they are read as two corners, and none as they are."""
        n = 0
        for row in rows:
            image = self._images.get(_key(row.get("image_id")))
            if image is None or not _is_numbers(row.get("bbox"), 4):
                continue
            x, y, right, down = map(float, row["bbox"])
            fits = x < right and y < down and self._inside(image, x, y) and self._inside(image, right, down)
            n += fits
        return n

    def _check_row(self, row: Any, place: str) -> None:
        if not isinstance(row, dict):
            self._problems.add("E401", place, "is not an object", "see docs/files.md")
            return
        add = self._problems.add
        if not row.keys() <= _FIELDS:
            fields = ", ".join(sorted(_FIELDS))
            add("E410", place, "has an unknown field", f"keep {fields}")
        image = self._images.get(_key(row.get("image_id")))
        if image is None:
            add("E402", f"{place}/image_id", "is not an image of the track", "take the detection out")
        if _key(row.get("category_id")) not in self._categories:
            add(
                "E408", f"{place}/category_id", "is not a category of the track", "see the track's categories"
            )
        score = row.get("score")
        if not _is_number(score) or not 0 <= score <= 1:
            add("E407", f"{place}/score", "is not a number from 0 to 1", "scale the scores to [0, 1]")
        if "bbox" in row or "center" not in row:
            self._check_box(row.get("bbox"), image, f"{place}/bbox")
        if "center" in row and not _is_numbers(row["center"], 2):
            add("E410", f"{place}/center", "is not [x, y]", "give two finite numbers or leave it out")
        elif "center" in row and image is not None and not self._inside(image, *row["center"]):
            add("E406", f"{place}/center", "lies outside the image", "give it in pixels of the image")

    def _check_box(self, box: Any, image: ImageFacts | None, place: str) -> None:
        if not _is_numbers(box, 4) or box[2] <= 0 or box[3] <= 0:
            self._problems.add("E405", place, "is not a box with an area", _REMEDY_BOX)
            return
        x, y, width, height = box
        if image is not None and not (
            self._inside(image, x, y) and self._inside(image, x + width, y + height)
        ):
            text = f"reaches more than {self._limits.margin_px:g} px outside the image"
            self._problems.add("E406", place, text, "give boxes in pixels of the image, or clip them")

    def _inside(self, image: ImageFacts, x: float, y: float) -> bool:
        margin = self._limits.margin_px
        return -margin <= x <= image.width + margin and -margin <= y <= image.height + margin


def _explain_images(named: list[Any], manifest: Manifest, problems: Problems) -> None:
    """What ids have in common none of which need be an image of the track: counted otherwise, or names."""
    known = [image.id for image in manifest.images]
    values = list(dict.fromkeys(one for one in named if isinstance(one, (int, str))))
    if not values or {*map(_key, values)} <= {*map(_key, known)}:
        return
    shift = shift_of(values, known)
    if shift is not None:
        problems.explain("E402", shift_words(shift, "the track's ids"))
    elif all(isinstance(one, str) for one in values) and all(isinstance(one, int) for one in known):
        problems.explain("E402", "names or texts as ids? bmbench submit writes the track's ids for them")


def _key(value: Any) -> tuple[type, Any]:
    """A value that tells 1 from "1", true and 1.0; lists and objects are no keys."""
    return (type(value), value if isinstance(value, (int, str)) else None)


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _is_numbers(value: Any, n: int) -> bool:
    return isinstance(value, list) and len(value) == n and all(map(_is_number, value))
