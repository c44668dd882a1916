"""What experts marked on a set of images: `bmbench.GroundTruth`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bmbench.api import columns as given
from bmbench.api.display import classes_table, frame_of, html_of, place_columns
from bmbench.api.held_files import as_file
from bmbench.api.marked_arrays import MarkedPlaces, classes_of, groups_of
from bmbench.core.errors import BadInputError
from bmbench.core.files import read_bytes
from bmbench.core.types import Category, GroundTruth, ImageId, Role, Sample
from bmbench.datasets.formats.coco.columns import read_ground_truth
from bmbench.present.words import many

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class TruthTable:
    """The annotations of a set of images: a COCO file, or what stands for one, and its columns.

    Make it with one of the functions `from_…`, and hand it to `bmbench.score` or `bmbench.compare`.

    Attributes
    ----------
    columns : GroundTruth
        Image, centre, box, class and role of each object (`bmbench.core.types.GroundTruth`).
    source : Path or bytes
        The COCO file, or the text of one: what scoring reads.
    notes : tuple of str
        What was left out, or taken for granted.

    Examples
    --------
    >>> import bmbench
    >>> truth = bmbench.GroundTruth.from_arrays(
    ...     xy=[[12, 30], [50, 41]], image=["a.png", "b.png"], images=["a.png", "b.png", "empty.png"]
    ... )
    >>> truth
    GroundTruth(2 cells on 3 images)
    """

    columns: GroundTruth
    source: Path | bytes
    notes: tuple[str, ...] = ()

    @classmethod
    def from_arrays(
        cls,
        *,
        xy: given.Array | None = None,
        box: given.Array | None = None,
        radius: given.Array | float | None = None,
        contour: Any = None,
        image: Any = None,
        category: Any = None,
        ignore: Any = None,
        images: Sequence[ImageId] | None = None,
        group: Mapping[ImageId, str] | Sequence[str] | None = None,
    ) -> TruthTable:
        """Annotations from lists or arrays.

        Each column may also be a list with one array for each image; `image` then has one id for each of
        these arrays (0, 1, 2 … without it); outlines alone are never read so.

        Parameters
        ----------
        xy : (n, 2), pixels, optional
            Centres, x then y; without them those of the boxes or outlines.
        box : (n, 4), pixels, optional
            x0 y0 x1 y1.
        radius : (n,) or one number, pixels, optional
            Of a circle around each centre.
        contour : n outlines, optional
            Each (k, 2) corners, or a list of such rings.
        image : (n,) ids or names, optional
            The image of each object; without it all are on the one image 0.
        category : (n,) names, or one of them, optional
            The class of each object. A class whose name says artefact is one of artefacts.
        ignore : (n,) bool, optional
            Objects that count neither way.
        images : ids or names, optional
            Every image of the set, those without any object too: a false alarm there counts.
        group : mapping from image to group, or one group for each of `images`, optional
            The patient or slide: what intervals are made over. Without it an image is its own group.

        Raises
        ------
        BadInputError
            If a column is no such thing, or not as long as the others: one sentence that names it.

        Examples
        --------
        >>> import bmbench
        >>> bmbench.GroundTruth.from_arrays(xy=[[[12, 30], [50, 41]], []], radius=12.5)
        GroundTruth(2 cells on 2 images)
        """
        base = "xy" if xy is not None else "box" if box is not None else "contour"
        columns = {"xy": xy, "box": box, "radius": radius, "contour": contour, "category": category,
                   "ignore": ignore}  # fmt: skip
        if columns[base] is None:
            raise BadInputError("no object has a place", remedy="give xy, box or contour")
        found, named, seen = given.by_object(columns, image, base=base)
        every = tuple(dict.fromkeys((*(() if images is None else given.identities(images, "images")), *seen)))
        if images is not None and len(every) > len(images):
            what, got = "an object on an unknown image", repr(every[len(images)])
            raise BadInputError(what, where="image", expected="one of images", got=got)
        places = MarkedPlaces.of(found, len(named))
        categories, label = classes_of(found["category"], len(named))
        records = places.records(found["ignore"])
        for number, record in enumerate(records):
            record |= {"id": number + 1, "image_id": named[number], "category_id": label[number]}
        groups = groups_of(group, every)
        return cls.from_coco(
            {
                "images": [
                    {"id": one, "file_name": str(one)} | ({"group": groups[one]} if one in groups else {})
                    for one in every
                ],
                "categories": [
                    {"id": one.id, "name": one.name, "supercategory": "artefact" if one.artefact else "cell"}
                    for one in categories
                ],
                "annotations": records,
            }
        )

    @classmethod
    def from_coco(cls, source: Path | str | Mapping[str, Any]) -> TruthTable:
        """Annotations from a COCO file, or from the dict that such a file holds.

        Raises
        ------
        BadInputError
            If it is no such file: names the record and the field.

        Examples
        --------
        >>> import bmbench
        >>> bmbench.GroundTruth.from_coco({
        ...     "images": [{"id": 1}], "categories": [{"id": 1, "name": "cell"}],
        ...     "annotations": [{"image_id": 1, "category_id": 1, "bbox": [2, 2, 9, 9]}],
        ... })
        GroundTruth(1 cell on 1 image)
        """
        with as_file(source, "truth.json") as (path, kept):
            return cls(columns=read_ground_truth(path), source=kept)

    @classmethod
    def from_supervision(cls, detections: Any, *, image: Any = None) -> TruthTable:
        """Annotations from `sv.Detections`, as ``sv.DetectionDataset`` holds them.

        Parameters
        ----------
        detections : sv.Detections, a list of them, or a mapping from image to them
        image : id or name, or a list of them, optional
            Of each image; 0, 1, 2 … without it.

        Examples
        --------
        >>> import bmbench, supervision, numpy as np
        >>> marked = supervision.Detections(xyxy=np.array([[2, 2, 9, 9]]), class_id=np.array([0]))
        >>> bmbench.GroundTruth.from_supervision({"a.png": marked, "b.png": supervision.Detections.empty()})
        GroundTruth(1 cell on 2 images)
        """
        from bmbench.api.other_libraries import images_of, of_supervision

        columns = of_supervision(detections, image)
        columns.pop("confidence", None)
        if columns.get("category") is not None:
            columns["category"] = [str(kind) for kind in columns["category"]]
        return cls.from_arrays(**columns, images=images_of(detections, image))

    @classmethod
    def from_ultralytics(cls, folder: Path | str) -> TruthTable:
        """Annotations from a folder of Ultralytics: a data.yaml, or images with labels beside them.

        Examples
        --------
        >>> import bmbench
        >>> bmbench.GroundTruth.from_ultralytics("yolo")
        GroundTruth(1 cell on 1 image)
        """
        return cls.from_files(folder)

    @classmethod
    def from_qupath(cls, path: Path | str, *, images: Path | str | None = None) -> TruthTable:
        """Annotations from GeoJSON files of QuPath.

        Parameters
        ----------
        path : path
            One file, or a folder with one for each image.
        images : path, optional
            The folder of the images, where they do not lie beside the annotations.

        Examples
        --------
        >>> import bmbench
        >>> bmbench.GroundTruth.from_qupath("annotated")
        GroundTruth(1 cell on 1 image)
        """
        return cls.from_files(path, images=images, form="qupath")

    @classmethod
    def from_files(
        cls, path: Path | str, *, images: Path | str | None = None, form: str | None = None
    ) -> TruthTable:
        """Annotations from files of any format that bmbench reads.

        Parameters
        ----------
        path : path
            A file or a folder.
        images : path, optional
            The folder of the images, where they do not lie beside the annotations.
        form : str, optional
            The name of the format (``bmbench datasets convert --help``), where the files do not tell.

        Examples
        --------
        >>> import bmbench
        >>> bmbench.GroundTruth.from_files("annotated", form="qupath")
        GroundTruth(1 cell on 1 image)
        """
        from bmbench.datasets.formats.recognise import read_any

        named = f"{form}:{path}" if form else str(path)
        content = read_any(named, None if images is None else Path(images))
        return cls.from_samples(content.samples, content.categories, notes=content.notes)

    @classmethod
    def from_samples(
        cls, samples: Sequence[Sample], categories: Sequence[Category], *, notes: Iterable[str] = ()
    ) -> TruthTable:
        """The annotations of samples, as data sets have them, on every image that is named.

        Examples
        --------
        >>> import bmbench
        >>> mine = bmbench.open_dataset("my.json")
        >>> len(bmbench.GroundTruth.from_samples(mine.samples("test"), mine.categories).images)
        2
        """
        import tempfile

        from bmbench.datasets.formats.coco.samples import write_coco

        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "truth.json")
            write_coco(path, samples, categories)
            return cls(columns=read_ground_truth(path), source=read_bytes(path), notes=tuple(notes))

    def __len__(self) -> int:
        return len(self.columns.image)

    @property
    def categories(self) -> tuple[Category, ...]:
        """The classes of objects."""
        return self.columns.categories

    @property
    def images(self) -> tuple[ImageId, ...]:
        """The id of every image."""
        return self.columns.image_ids

    def __repr__(self) -> str:
        columns = self.columns
        counts = Counter(columns.role.tolist())
        texts = [many(counts[Role.CELL], "cell")]
        texts += [many(counts[Role.ARTEFACT], "artefact")] if counts[Role.ARTEFACT] else []
        texts += [f"{counts[Role.IGNORE]:,} ignored"] if counts[Role.IGNORE] else []
        text = f"{', '.join(texts)} on {many(len(columns.image_ids), 'image')}"
        n_groups = len(set(columns.groups))
        if n_groups < len(columns.groups):
            text += f" of {many(n_groups, 'group')}"
        return f"GroundTruth({text})"

    def _repr_html_(self) -> str:
        return html_of([classes_table(repr(self), self.columns)], notes=self.notes)

    def to_frame(self) -> pd.DataFrame:
        """One row an object: image, group, class, role, centre and box in pixels.

        Examples
        --------
        >>> import bmbench
        >>> bmbench.GroundTruth.from_arrays(xy=[[12, 30]]).to_frame()["role"].tolist()
        ['cell']
        """
        truth = self.columns
        return frame_of(
            {
                "image": [truth.image_ids[row] for row in truth.image],
                "group": [truth.groups[row] for row in truth.image],
                "category": [truth.categories[label].name for label in truth.label],
                "role": [Role(role).name.lower() for role in truth.role],
                **place_columns(truth.xy, truth.box),
            }
        )
