"""A detector's answers on a set of images, whoever made them: `bmbench.Predictions`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bmbench.api import columns as given
from bmbench.api.display import frame_of, html_of, images_table, place_columns, shown
from bmbench.api.held_files import as_file, coco_results
from bmbench.core.errors import BadInputError
from bmbench.core.types import Category, Floats, Rings
from bmbench.datasets.formats.predictions import read_columns
from bmbench.datasets.reading.record_checks import id_column
from bmbench.present.words import many

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from bmbench.core.types import Pixels


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class PredictionTable:
    """Detections on a set of images; row i of every column is detection i.

    Make it with one of the functions `from_…`, and hand it to `bmbench.score` or `bmbench.compare`.

    Attributes
    ----------
    image : (n,) array
        The image of each detection: the id that the ground truth has for it, or its file name.
    xy : (n, 2) float64, pixels
        Centre.
    box : (n, 4) float64, pixels
        x0 y0 x1 y1; without extent where only centres are known.
    confidence : (n,) float64 in [0, 1]
    category : (n,) array
        Id or name of the class; None stands for the first class of cells that the ground truth has.
    contour : tuple of n Rings, or None
        Outlines, where the source gives any.
    source : Path, bytes or None
        The COCO results that it was read from, which are scored as they are.
    notes : tuple of str
        What was taken for granted.

    Examples
    --------
    >>> import bmbench
    >>> found = bmbench.Predictions.from_arrays(
    ...     xy=[[12, 30], [50, 41]], confidence=[0.9, 0.4], image=["a.png", "b.png"]
    ... )
    >>> found
    Predictions(2 detections on 2 images, confidence 0.400 to 0.900)
    """

    image: NDArray[Any]
    xy: Floats
    box: Floats
    confidence: Floats
    category: NDArray[Any]
    contour: tuple[Rings, ...] | None = None
    source: Path | bytes | None = None
    notes: tuple[str, ...] = ()

    @classmethod
    def from_arrays(
        cls,
        *,
        xy: given.Array | None = None,
        box: given.Array | None = None,
        confidence: given.Array | None = None,
        image: Any = None,
        category: Any = None,
        contour: Any = None,
    ) -> PredictionTable:
        """Detections from lists or arrays.

        Each column may also be a list with one array for each image; `image` then has one id for each of
        these arrays (0, 1, 2 … without it).

        Parameters
        ----------
        xy : (n, 2), pixels, optional
            Centres, x then y; without them those of the boxes.
        box : (n, 4), pixels, optional
            x0 y0 x1 y1; without boxes, centres alone can be scored.
        confidence : (n,), optional
            From 0 to 1; without it every detection has 1, and no threshold can be chosen.
        image : (n,) ids or names, optional
            The image of each detection; without it all are on the one image 0.
        category : (n,) ids or names, or one of them, optional
            The class of each detection.
        contour : n outlines, optional
            Each (k, 2) corners, or a list of such rings.

        Raises
        ------
        BadInputError
            If a column is no such thing, or not as long as the others: one sentence that names it.

        Examples
        --------
        One array for all images, or one for each of them:

        >>> import bmbench
        >>> bmbench.Predictions.from_arrays(xy=[[12, 30]], confidence=[0.9])
        Predictions(1 detection on 1 image, confidence 0.900)
        >>> bmbench.Predictions.from_arrays(box=[[[2, 2, 9, 9]], []], image=["a.png", "b.png"])
        Predictions(1 detection on 1 image, confidence 1.000)
        """
        base = "box" if xy is None else "xy"
        columns = {"xy": xy, "box": box, "confidence": confidence, "category": category}
        if columns[base] is None:
            raise BadInputError("neither xy nor box is given", remedy="give centres, boxes or both")
        found, named, _ = given.by_object(columns | {"contour": contour}, image, base=base)
        n, notes = len(named), tuple[str, ...]()
        centre, corners = given.places(found["xy"], found["box"])
        if found["confidence"] is None:
            notes = ("no confidence was given: every detection counts as sure (1)",)
            found["confidence"] = np.ones(n)
        kinds = found["category"]
        single = kinds is None or isinstance(kinds, str | int)
        return cls(
            image=id_column(named),
            xy=centre,
            box=corners,
            confidence=given.confidences(found["confidence"], "confidence"),
            category=id_column([kinds] * n if single else given.identities(kinds, "category")),
            contour=None if found["contour"] is None else given.outlines(found["contour"], "contour"),
            notes=notes,
        )

    @classmethod
    def from_coco(cls, source: Path | str | Sequence[Any] | Mapping[str, Any]) -> PredictionTable:
        """Detections from a COCO results list, or from a predictions file of bmbench.

        Parameters
        ----------
        source : path, or list of dicts
            Each with `image_id`, `category_id`, `score`, and `bbox` or `center`.

        Raises
        ------
        BadInputError
            If it is no such file or list: names the index and the field.

        Examples
        --------
        >>> import bmbench
        >>> one = {"image_id": 1, "category_id": 1, "bbox": [2, 2, 9, 9], "score": 0.8}
        >>> bmbench.Predictions.from_coco([one])
        Predictions(1 detection on 1 image, confidence 0.800)
        """
        with as_file(source, "predictions.json") as (path, kept):
            read = read_columns(path)
        return cls(
            image=read.image_id,
            xy=read.xy,
            box=read.box,
            confidence=read.score,
            category=read.category_id,
            source=kept,
        )

    @classmethod
    def from_supervision(cls, detections: Any, *, image: Any = None) -> PredictionTable:
        """Detections from those of the library supervision (`sv.Detections`).

        Class names (``data["class_name"]``) are taken as classes where they are there, else class ids; masks
        as outlines.

        Parameters
        ----------
        detections : sv.Detections, a list of them, or a mapping from image to them
        image : id or name, or a list of them, optional
            Of each image; 0, 1, 2 … without it.

        Examples
        --------
        >>> import bmbench, supervision, numpy as np
        >>> found = supervision.Detections(
        ...     xyxy=np.array([[2, 2, 9, 9]]), confidence=np.array([0.8]), class_id=np.array([0])
        ... )
        >>> bmbench.Predictions.from_supervision(found, image="a.png")
        Predictions(1 detection on 1 image, confidence 0.800)
        """
        from bmbench.api.other_libraries import of_supervision

        return cls.from_arrays(**of_supervision(detections, image))

    @classmethod
    def from_ultralytics(cls, results: Any) -> PredictionTable:
        """Detections from the results of an Ultralytics model, ``model(images)``.

        An image is called by the name of its file, a class by its name; masks are taken as outlines.

        Parameters
        ----------
        results : list of ultralytics Results, one of them, or the path of a predictions.json

        Examples
        --------
        >>> from ultralytics import YOLO  # doctest: +SKIP
        >>> found = YOLO("cells.pt")(["a.png", "b.png"])  # doctest: +SKIP
        >>> bmbench.Predictions.from_ultralytics(found)  # doctest: +SKIP
        """
        if isinstance(results, str | Path):
            return cls.from_coco(results)
        from bmbench.api.other_libraries import of_ultralytics

        return cls.from_arrays(**of_ultralytics(results))

    @classmethod
    def from_qupath(cls, path: Path | str | Iterable[Path | str]) -> PredictionTable:
        """Detections from GeoJSON files of QuPath, one an image; a file is named as its image is.

        The confidence is the measurement of that name (also: score, probability); without it a detection
        has 1.

        Parameters
        ----------
        path : path, or paths
            A file, several, or a folder of them.

        Examples
        --------
        >>> import bmbench
        >>> bmbench.Predictions.from_qupath("annotated/slide_1.geojson")
        Predictions(1 detection on 1 image, confidence 1.000)
        """
        from bmbench.api.other_libraries import of_qupath

        return cls.from_arrays(**of_qupath(path))

    def __len__(self) -> int:
        return len(self.image)

    def __repr__(self) -> str:
        text = f"{many(len(self), 'detection')} on {many(len(set(self.image.tolist())), 'image')}"
        if not len(self):
            return f"Predictions({text})"
        low, high = self.confidence.min(), self.confidence.max()
        return f"Predictions({text}, confidence {low:.3f}{'' if low == high else f' to {high:.3f}'})"

    def _repr_html_(self) -> str:
        return html_of([images_table(repr(self), self.image, self.confidence)], notes=self.notes)

    def above(self, confidence: float) -> PredictionTable:
        """Those of at least this confidence.

        Examples
        --------
        >>> import bmbench
        >>> bmbench.Predictions.from_arrays(xy=[[1, 2], [3, 4]], confidence=[0.2, 0.9]).above(0.5)
        Predictions(1 detection on 1 image, confidence 0.900)
        """
        kept = self.confidence >= confidence
        rows = {name: getattr(self, name)[kept] for name in ("image", "xy", "box", "confidence", "category")}
        if self.contour is not None:
            rows["contour"] = tuple(self.contour[row] for row in np.flatnonzero(kept))
        return replace(self, **rows, source=None)

    def to_frame(self) -> pd.DataFrame:
        """One row a detection: image, class, confidence, centre and box in pixels.

        Examples
        --------
        >>> import bmbench
        >>> found = bmbench.Predictions.from_arrays(xy=[[12, 30]], confidence=[0.9], image=["a.png"])
        >>> list(found.to_frame().columns)
        ['image', 'category', 'confidence', 'x_px', 'y_px', 'x0_px', 'y0_px', 'x1_px', 'y1_px']
        """
        columns = {"image": self.image, "category": self.category, "confidence": self.confidence}
        return frame_of(columns | place_columns(self.xy, self.box))

    def to_coco(self, categories: Sequence[Category] = ()) -> bytes:
        """The detections as a COCO results list, in full precision.

        Parameters
        ----------
        categories : sequence of Category
            Of the ground truth: classes that are given by name get their ids.

        Examples
        --------
        >>> import bmbench
        >>> bmbench.Predictions.from_arrays(box=[[2, 2, 9, 9]], confidence=[0.5], image=[7]).to_coco()[:34]
        b'[{"image_id": 7, "category_id": 1,'
        """
        if isinstance(self.source, bytes):
            return self.source
        kinds = given.category_ids(self.category, categories)
        return coco_results(
            self.image, kinds, box=self.box, xy=self.xy, confidence=self.confidence, contour=self.contour
        )

    def plot(self, image: Pixels | Path | str) -> Figure:
        """The detections drawn on their image, as a figure of matplotlib.

        Parameters
        ----------
        image : (height, width, 3) uint8, or path
            Where the detections are of several images, the path of one of them.

        Examples
        --------
        >>> import bmbench, numpy as np
        >>> found = bmbench.Predictions.from_arrays(xy=[[12, 30]])
        >>> found.plot(np.zeros((64, 64, 3), np.uint8)).savefig("found.png")
        """
        from bmbench.api.pictures import drawn_detections

        return shown(drawn_detections(self.image, self.box, image), "jpeg")
