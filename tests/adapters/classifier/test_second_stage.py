"""A second stage behind any detector: what it calls the cells, and that it moves none of them."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from bmbench.adapters import METHODS
from bmbench.adapters.classifier.crops import CROP_PX, MARGIN, cut_crops, training_crops
from bmbench.adapters.classifier.second_stage import with_classifier
from bmbench.adapters.images.augment import augment
from bmbench.adapters.learning.fit_request import FitRequest
from bmbench.adapters.method import Detector, Method
from bmbench.benchmark.contract.drawn_cells import PALE, sample
from bmbench.benchmark.protocol.classes import require_classes
from bmbench.core.errors import BadInputError, UnknownNameError
from bmbench.core.types import Category, Detections, Pixels, Role, Sample

pytest.importorskip("torch")

CLASSES = (Category(id=1, name="violet"), Category(id=2, name="green"))
PALEST = 180
"""Mean grey level below which a pixel is one of a cell."""


@dataclass(frozen=True)
class Settings:
    steps: int = 40


@dataclass(frozen=True)
class Spots:
    """Every dark spot; small ones are artefacts."""

    best_tile_px: int = 512

    def predict(self, image: Pixels) -> Detections:
        spots, n = ndimage.label(image.mean(axis=2) < PALEST)
        places = ndimage.find_objects(spots)
        box = np.array([[x.start, y.start, x.stop, y.stop] for y, x in places], float).reshape(-1, 4)
        side = box[:, 2] - box[:, 0]
        confidence = np.linspace(0.9, 0.5, n)
        return Detections.of(
            xy=(box[:, :2] + box[:, 2:]) / 2,
            box=box,
            confidence=confidence,
            label=(side < 8).astype(np.int64),
        )

    def save(self, folder: Path) -> None:
        (folder / "spots.txt").write_text("spots")


def fit_spots(request: FitRequest) -> Spots:
    assert request.classes == ()
    return Spots()


def load_spots(folder: Path) -> Spots:
    assert (folder / "spots.txt").read_text() == "spots"
    return Spots()


SPOTS = Method(
    name="spots",
    title="dark spots",
    family="spots",
    paper="none",
    settings={"quick": Settings()},
    fit=fit_spots,
    load=load_spots,
    artefact_class=True,
    ensemble=lambda members: members[0],
)


def coloured(number: int) -> Sample:
    """Drawn cells, every other one green; the label says which."""
    plain = sample(number, side=160, n=24)
    image = plain.load().copy()
    label = np.arange(len(plain.annotations)) % 2
    y, x = np.mgrid[:160, :160] + 0.5
    for (cx, cy, radius), is_green in zip(plain.annotations.circle, label, strict=True):
        inside = (np.hypot(x - cx, y - cy) < radius) & is_green.astype(bool)
        image[inside] = (60, 120, 50)
    annotations = dataclasses.replace(plain.annotations, label=label.astype(np.int64))
    return dataclasses.replace(plain, annotations=annotations, load=lambda: image)


TRAIN = [coloured(number) for number in range(3)]


def request(**more: object) -> FitRequest:
    known = {"train": TRAIN, "validation": (), "settings": Settings(), "seed": 3, "augment": augment}
    return FitRequest(**{**known, "classes": CLASSES, **more})  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def staged() -> Method:
    return with_classifier(SPOTS)


@pytest.fixture(scope="module")
def fitted(staged: Method) -> Detector:
    return staged.fit(request())


def test_each_cell_gets_its_class_and_stays_where_it_was(fitted: Detector) -> None:
    unseen = coloured(17)
    found, alone = fitted.predict(unseen.load()), Spots().predict(unseen.load())
    for column in ("xy", "box", "confidence"):
        assert np.array_equal(getattr(found, column), getattr(alone, column))
    distance = np.hypot(*(found.xy[:, None] - unseen.annotations.xy[None]).transpose(2, 0, 1))
    assert (found.label == unseen.annotations.label[distance.argmin(axis=1)]).all()
    assert getattr(fitted, "best_tile_px", None) == 512


def test_artefacts_come_after_the_classes(fitted: Detector) -> None:
    image = np.full((60, 60, 3), PALE, np.uint8)
    image[10:14, 10:14] = (90, 40, 140)
    assert fitted.predict(image).label.tolist() == [2]
    assert len(fitted.predict(np.full((5, 3, 3), 255, np.uint8))) == 0


def test_saved_and_loaded_it_answers_the_same_and_another_fit_is_the_same(
    staged: Method, fitted: Detector, tmp_path: Path
) -> None:
    for name, one in (("one", fitted), ("two", staged.fit(request()))):
        (tmp_path / name).mkdir()
        one.save(tmp_path / name)
    files = sorted(path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*.*"))
    assert len(files) == 3
    for file in files:
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()
    image = coloured(18).load()
    assert np.array_equal(staged.load(tmp_path / "one").predict(image).label, fitted.predict(image).label)
    card = tmp_path / "one" / "classifier" / "classifier.json"
    card.write_text(card.read_text().replace('"side_px": ', '"side_px": -'))
    with pytest.raises(BadInputError, match="not a saved classifier of cells"):
        staged.load(tmp_path / "one")


def test_of_several_the_mean_decides(staged: Method, fitted: Detector, tmp_path: Path) -> None:
    assert staged.ensemble is not None
    joined = staged.ensemble([fitted, fitted])
    image = coloured(19).load()
    assert np.array_equal(joined.predict(image).label, fitted.predict(image).label)
    joined.save(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"ensemble.json", "member-1", "member-2"}


def test_it_is_known_by_a_name_of_its_own() -> None:
    method = METHODS.get("blob_log+crops")
    assert (method.name, method.cell_classes, method.extra) == ("blob_log+crops", True, "train")
    assert "blob_log+crops" in METHODS
    assert "blob_log+crops" not in METHODS.names()
    assert METHODS.origin("blob_log+crops") is None
    assert "blob_logg+crops" not in METHODS
    with pytest.raises(UnknownNameError, match="did you mean 'blob_log'"):
        METHODS.get("blob_logg+crops")
    with pytest.raises(BadInputError, match="give --classes all"):
        require_classes(method, (), artefacts="background")
    with pytest.raises(BadInputError, match="--classifier crops"):
        require_classes(METHODS.get("blob_log"), ("all",), artefacts="background")


def test_crops_are_of_one_size_centred_and_white_outside() -> None:
    image = np.zeros((40, 50, 3), np.uint8)
    image[20, 30] = 255
    crops = cut_crops(image, np.array([[30.5, 20.5], [0.5, 0.5], [49.5, 39.5], [75.0, -9.0]]), 16, 16)
    assert crops.shape == (4, 16, 16, 3)
    assert np.argwhere(crops[0, ..., 0]).tolist() == [[8, 8]]
    assert (crops[1, :8] == 255).all()
    assert (crops[2, 9:] == 255).all()
    assert (crops[2, 8, :9] == 0).all()


def test_pictures_and_labels_of_all_cells_and_of_nothing_else() -> None:
    role = np.array([Role.ARTEFACT, *[Role.CELL] * (len(TRAIN[1].annotations) - 1)])
    mixed = dataclasses.replace(TRAIN[1], annotations=dataclasses.replace(TRAIN[1].annotations, role=role))
    empty = dataclasses.replace(TRAIN[0], annotations=TRAIN[0].annotations.take(np.zeros(0, np.int64)))
    pictures, labels = training_crops([empty, mixed, TRAIN[2]], 20.0, np.random.default_rng(0))
    expected = [*mixed.annotations.label[1:], *TRAIN[2].annotations.label]
    assert labels.tolist() == expected
    assert pictures.shape[1] == round(MARGIN * CROP_PX)
    middle = pictures[:, pictures.shape[1] // 2, pictures.shape[1] // 2]
    # Green cells have more green than blue.
    assert ((middle[:, 1] > middle[:, 2]).astype(int) == labels).all()
