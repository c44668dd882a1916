"""What every method promises: one promise a function, which says in a sentence what is broken."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TypeAlias

import numpy as np

from bmbench.adapters.method import Detector, Method
from bmbench.benchmark.contract.drawn_cells import COLOURS, PALE, SIDE_PX, circles, coloured, sample, smear
from bmbench.benchmark.contract.promises import BrokenPromiseError, promise, refused, same
from bmbench.benchmark.contract.small_settings import learned, learned_classes, request_for
from bmbench.core.geometry import box_iou
from bmbench.core.objects import with_regions
from bmbench.core.types import Annotations, Detections, Role, Sample

FARTHEST_PX = 4.0
"""How far the nearest detection may be from the centre of a drawn cell, whose radius is 7 to 9 px."""
SIZES = ((1, 1), (5, 3), (30, 200), (72, 72))
"""Heights and widths of images without any cell."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Subject:
    """A method that is checked; it is fitted once for all checks that look at a fitted one."""

    method: Method

    @cached_property
    def detector(self) -> Detector:
        """A detector that has learned to find drawn cells."""
        return learned(self.method)

    @cached_property
    def found(self) -> Detections:
        """What it finds on an image that it has not seen."""
        return self.detector.predict(UNSEEN.load())


UNSEEN = sample(17)
Check: TypeAlias = Callable[[Subject, Path], None]
"""Raises a BrokenPromiseError; the folder is empty and its own."""


def has_settings_that_json_can_hold(subject: Subject, _: Path) -> None:
    """Both profiles have frozen settings that JSON can hold."""
    profiles = subject.method.settings
    promise({"quick", "paper"} <= set(profiles), f"there are settings for {', '.join(profiles)} alone")
    for profile, settings in profiles.items():
        record = dataclasses.asdict(settings)
        try:
            again = type(settings)(**json.loads(json.dumps(record)))
        except (TypeError, ValueError) as error:
            raise BrokenPromiseError(f"JSON cannot hold the settings for {profile} ({error})") from None
        promise(again == settings, f"the settings for {profile} come back from JSON as others: {again}")
        promise(
            type(settings).__dataclass_params__.frozen,
            f"the settings for {profile} can be changed; make the dataclass frozen",
        )


def finds_drawn_cells(subject: Subject, _: Path) -> None:
    """It finds drawn cells."""
    truth, found = UNSEEN.annotations, subject.found
    promise(len(found), f"none of {len(truth)} drawn cells was found")
    distance = np.linalg.norm(truth.xy[:, None] - found.xy[None], axis=2).min(axis=1)
    n_missed = int((distance >= FARTHEST_PX).sum())
    promise(
        not n_missed,
        f"{n_missed} of {len(truth)} drawn cells have no detection within {FARTHEST_PX:g} px; "
        f"the farthest is {distance.max():.1f} px away",
    )


def answers_inside_the_image(subject: Subject, _: Path) -> None:
    """Detections lie in the image, confidences in 0 to 1."""
    found = subject.found
    box, xy = found.box, found.xy
    promise(len(found), "nothing was found")
    promise((box >= 0).all() and (box <= SIDE_PX).all(), f"a box reaches to {box.max():.1f} px of {SIDE_PX}")
    promise((box[:, 2:] > box[:, :2]).all(), "a box has no extent")
    promise(((xy >= box[:, :2]) & (xy <= box[:, 2:])).all(), "a centre lies outside its box")
    sure = found.confidence
    promise(((sure >= 0) & (sure <= 1)).all(), f"confidences go from {sure.min():g} to {sure.max():g}")
    for rings, edges in zip(found.contour, box, strict=True):
        if rings:
            points = np.concatenate(rings)
            around = np.concatenate([points.min(axis=0), points.max(axis=0)])
            promise(np.allclose(around, edges, rtol=1e-6, atol=1e-6), "an outline is not as large as its box")


def is_sure_of_nothing_without_cells(subject: Subject, _: Path) -> None:
    """An image of any size without cells is answered with nothing sure."""
    for height, width in SIZES:
        found = subject.detector.predict(np.full((height, width, 3), PALE, np.uint8))
        sure = found.confidence.max(initial=0.0)
        promise(sure < 0.5, f"on an empty image of {width} × {height} px it finds a cell with {sure:.2f}")


def answers_a_small_image(subject: Subject, _: Path) -> None:
    """An image smaller than a patch is answered."""
    found = subject.detector.predict(smear(circles((12.0, 12.0, 8.0)), 24, 24))
    promise(len(found), "a cell on an image of 24 × 24 px is not found")
    best = found.xy[int(np.argmax(found.confidence))]
    promise(np.abs(best - 12).max() <= 3, f"a cell at (12, 12) is found at ({best[0]:.1f}, {best[1]:.1f})")


def leaves_pixels_alone(subject: Subject, _: Path) -> None:
    """Pixels are read only."""
    image = UNSEEN.load().copy()
    image.setflags(write=False)
    try:
        found = subject.detector.predict(image)
    except ValueError as error:
        raise BrokenPromiseError(f"predict changes the image that it is given ({error})") from None
    promise(len(found), "an image that cannot be written is answered with nothing")


def answers_twice_alike(subject: Subject, _: Path) -> None:
    """Predicting twice gives the same."""
    again = subject.detector.predict(UNSEEN.load())
    promise(same(again, subject.found), "predicting one image twice gives other detections")


def survives_saving(subject: Subject, folder: Path) -> None:
    """A saved detector predicts the same; what it writes is JSON and safetensors."""
    _survives_saving(subject.method, subject.detector, folder)


def _survives_saving(method: Method, detector: Detector, folder: Path) -> None:
    detector.save(folder)
    kinds = {path.suffix for path in folder.iterdir()}
    promise(kinds, "save wrote no file")
    strange = ", ".join(sorted(kinds - {".json", ".safetensors"}))
    broken = f"save wrote files {strange}; reading them may run code, .json and .safetensors do not"
    promise(not strange, broken)
    before, after = (one.predict(UNSEEN.load()) for one in (detector, method.load(folder)))
    promise(same(after, before), "a saved and loaded detector predicts something else")


def refuses_an_empty_folder(subject: Subject, folder: Path) -> None:
    """A folder without a detector is refused."""
    refused(lambda: subject.method.load(folder), "file not found", "load of an empty folder")


def refuses_a_damaged_file(subject: Subject, folder: Path) -> None:
    """A damaged file is refused by its name."""
    subject.detector.save(folder)
    for path in sorted(folder.iterdir()):
        whole = path.read_bytes()
        for damaged, how in ((whole[: len(whole) // 2], "cut in half"), (b"{}", "replaced by {}")):
            path.write_bytes(damaged)
            what = f"load of a {path.name} that is {how}"
            refused(lambda: subject.method.load(folder), re.escape(str(folder)), what)
        path.write_bytes(whole)


def repeats_itself(subject: Subject, folder: Path) -> None:
    """The same seed gives the same bytes."""
    samples, written = [sample(number) for number in range(4)], list[dict[str, bytes]]()
    for attempt in ("one", "two"):
        place = folder / attempt
        place.mkdir()
        subject.method.fit(request_for(subject.method, samples, samples[:1])).save(place)
        written.append({path.name: path.read_bytes() for path in place.iterdir()})
    other = sorted(name for name in written[0] if written[0][name] != written[1].get(name))
    promise(written[0] == written[1], f"two fits with one seed wrote another {', '.join(other)}")


def reads_grey_and_deep_images(subject: Subject, folder: Path) -> None:
    """A grey and a 16-bit image file are answered as their colour image."""
    import tifffile
    from PIL import Image

    from bmbench.datasets.reading.images import read_rgb

    grey = UNSEEN.load().mean(axis=2).astype(np.uint8)
    plain = subject.detector.predict(np.repeat(grey[:, :, None], 3, axis=2))
    promise(len(plain), "nothing is found on a grey image")
    # 257 × v has the high byte v: 16 bits of the same picture.
    for name, pixels in (("grey", grey), ("deep", grey.astype(np.uint16) * 257)):
        Image.fromarray(pixels).save(folder / f"{name}.png")
        tifffile.imwrite(folder / f"{name}.tif", pixels)
        for suffix in (".png", ".tif"):
            found = subject.detector.predict(read_rgb(folder / f"{name}{suffix}"))
            promise(same(found, plain), f"a {name} {suffix} file is answered otherwise than its colour image")


def labels_artefacts_only_where_it_says_so(subject: Subject, _: Path) -> None:
    """Artefacts are a class of their own where the method says so, and only there."""
    method, samples = subject.method, list[Sample]()
    for number in range(2):
        here = sample(number)
        role = np.where(np.arange(len(here.annotations)) % 2, Role.ARTEFACT, Role.CELL).astype(np.int64)
        annotations = dataclasses.replace(here.annotations, role=role)
        if not method.artefact_class:
            annotations = annotations.take(role == Role.CELL)
        samples.append(dataclasses.replace(here, annotations=annotations))
    found = method.fit(request_for(method, samples, samples[:1])).predict(sample(5).load())
    allowed = {0, 1} if method.artefact_class else {0}
    got = set(found.label.tolist())
    promise(got <= allowed, f"labels are {sorted(got)}, expected {sorted(allowed)}")


def tells_classes_apart_where_it_says_so(subject: Subject, folder: Path) -> None:
    """It tells cells of two colours apart where it says that it can; one cell has one class."""
    if not subject.method.cell_classes:
        return
    detector = learned_classes(subject.method)
    n = n_found = n_right = 0
    for one in (coloured(0), coloured(9)):
        said = detector.predict(one.load())
        said = said.take(said.confidence > 0.3)
        got = set(said.label.tolist())
        promise(got <= set(range(len(COLOURS))), f"labels of two classes are {sorted(got)}")
        first, second = np.triu_indices(len(said), 1)
        promise((box_iou(said.box[first], said.box[second]) <= 0.6).all(), "one cell is answered twice")
        for xy, label in zip(one.annotations.xy, one.annotations.label, strict=True):
            near = said.take(np.linalg.norm(said.xy - xy, axis=1) < FARTHEST_PX)
            n, n_found = n + 1, n_found + bool(len(near))
            n_right += bool(len(near)) and near.label[np.argmax(near.confidence)] == label
    promise(n_found >= 0.7 * n, f"{n_found} of {n} cells of two classes are found")
    # Guessing is right half of the time.
    promise(n_right >= 0.9 * n_found, f"{n_right} of {n_found} cells are given their class of two")
    _survives_saving(subject.method, detector, folder)


def joins_to_an_ensemble(subject: Subject, _: Path) -> None:
    """An ensemble of one answers as its member."""
    if subject.method.ensemble is None:
        return
    found = subject.method.ensemble([subject.detector]).predict(UNSEEN.load())
    promise(same(found, subject.found), "an ensemble of one answers otherwise than its member")


def refuses_images_without_cells(subject: Subject, _: Path) -> None:
    """Training images without any cell are refused."""
    empty = dataclasses.replace(sample(1), annotations=Annotations.empty())
    request = request_for(subject.method, [empty])
    refused(lambda: subject.method.fit(request), "no cell in the training images", "fit without any cell")


def refuses_points(subject: Subject, _: Path) -> None:
    """Points without a size are refused."""
    points = Annotations.of(xy=np.array([[9.0, 9.0]]), box=np.array([[9.0, 9.0, 9.0, 9.0]]))
    request = request_for(subject.method, [dataclasses.replace(sample(1), annotations=points)])
    refused(lambda: subject.method.fit(request), "points without a size", "fit to points")


def bears_single_images_without_cells(subject: Subject, _: Path) -> None:
    """Training images without cells among others are no obstacle."""
    empty = dataclasses.replace(sample(1), annotations=Annotations.empty())
    _bears(subject.method, [empty, sample(2)], empty)


def bears_images_to_be_ignored_whole(subject: Subject, _: Path) -> None:
    """Training images that an ignored region covers are no obstacle."""
    around = np.array([[0, 0], [SIDE_PX, 0], [SIDE_PX, SIDE_PX], [0, SIDE_PX]], float)
    hidden = dataclasses.replace(sample(1), annotations=with_regions(Annotations.empty(), [(around,)]))
    _bears(subject.method, [hidden] * 5 + [sample(2)], hidden)


def _bears(method: Method, train: Sequence[Sample], validation: Sample) -> None:
    found = method.fit(request_for(method, train, [validation])).predict(sample(2).load())
    promise(np.isfinite(found.confidence).all(), "confidences are not finite")


_ALL: Sequence[Check] = (
    has_settings_that_json_can_hold,
    finds_drawn_cells,
    answers_inside_the_image,
    is_sure_of_nothing_without_cells,
    answers_a_small_image,
    leaves_pixels_alone,
    answers_twice_alike,
    survives_saving,
    refuses_an_empty_folder,
    refuses_a_damaged_file,
    repeats_itself,
    reads_grey_and_deep_images,
    labels_artefacts_only_where_it_says_so,
    tells_classes_apart_where_it_says_so,
    joins_to_an_ensemble,
    refuses_images_without_cells,
    refuses_points,
    bears_single_images_without_cells,
    bears_images_to_be_ignored_whole,
)
CHECKS: Mapping[str, Check] = MappingProxyType({check.__name__: check for check in _ALL})
"""Every promise by its name; the first line of its docstring says what it is."""
