"""What every method promises, run over the whole table."""

import dataclasses
import json
import re
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from bmbench.adapters import METHODS
from bmbench.adapters.method import Method, require_installed
from bmbench.core.errors import BadInputError, MissingExtraError
from bmbench.core.types import Annotations, Role
from bmbench.datasets.reading.images import read_rgb

from .small import learned, request_for, same

CONTRIBUTING = Path(__file__).parents[2] / "CONTRIBUTING.md"


@pytest.fixture(scope="module", params=METHODS.names())
def listed(request):
    return METHODS.get(request.param)


@pytest.fixture(scope="module")
def method(listed):
    try:
        require_installed(listed)
    except MissingExtraError as missing:
        pytest.skip(str(missing))
    return listed


@pytest.fixture(name="detector")
def _detector(method):
    return learned(method.name)


def test_the_name_in_the_table_is_the_methods_own(listed):
    assert METHODS.get(listed.name) is listed


def test_whoever_adds_a_method_is_told_every_fact_that_it_must_have():
    fields = dataclasses.fields(Method)
    assert re.findall(r"^    (\w+) : ", Method.__doc__, re.MULTILINE) == [field.name for field in fields]
    shown = re.search(r"`METHOD = Method\((.*?)\)`", CONTRIBUTING.read_text(), re.DOTALL)
    assert re.findall(r"(\w+)=", shown[1]) == [
        field.name
        for field in fields
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    ]


def test_both_profiles_have_settings_that_json_can_hold(listed):
    assert set(listed.settings) == {"quick", "paper"}
    for settings in listed.settings.values():
        record = dataclasses.asdict(settings)
        assert type(settings)(**json.loads(json.dumps(record))) == settings
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(settings, dataclasses.fields(settings)[0].name, 1)


def test_it_finds_drawn_cells(detector, sample):
    truth = sample(17)
    found = detector.predict(truth.load())
    distance = np.linalg.norm(truth.annotations.xy[:, None] - found.xy[None], axis=2)
    assert distance.min(axis=1).max() < 4


def test_detections_lie_in_the_image_and_confidences_in_0_to_1(detector, sample):
    found = detector.predict(sample(17).load())
    assert len(found) > 0
    assert (found.box >= 0).all()
    assert (found.box <= 72).all()
    assert (found.box[:, 2:] > found.box[:, :2]).all()
    assert ((found.xy >= found.box[:, :2]) & (found.xy <= found.box[:, 2:])).all()
    assert ((found.confidence >= 0) & (found.confidence <= 1)).all()
    for rings, box in zip(found.contour, found.box, strict=True):
        if rings:
            points = np.concatenate(rings)
            assert np.concatenate([points.min(axis=0), points.max(axis=0)]) == pytest.approx(box)


@pytest.mark.parametrize("size", [(1, 1), (5, 3), (30, 200), (72, 72)])
def test_an_image_of_any_size_without_cells_is_answered_with_nothing_sure(detector, size):
    found = detector.predict(np.full((*size, 3), (235, 220, 230), np.uint8))
    assert not (found.confidence >= 0.5).any()


def test_an_image_smaller_than_a_patch_is_answered(detector, sample, circles, smear):
    found = detector.predict(smear(circles((12.0, 12.0, 8.0)), 24, 24))
    best = found.take(np.argsort(-found.confidence)[:1])
    assert best.xy[0] == pytest.approx([12, 12], abs=3)


def test_pixels_are_read_only(detector, sample):
    image = sample(17).load().copy()
    image.setflags(write=False)
    assert len(detector.predict(image)) > 0


def test_predicting_twice_gives_the_same(detector, sample):
    image = sample(17).load()
    assert same(detector.predict(image), detector.predict(image))


def test_a_saved_detector_predicts_the_same(method, detector, sample, tmp_path):
    detector.save(tmp_path)
    image = sample(17).load()
    assert same(method.load(tmp_path).predict(image), detector.predict(image))
    assert {path.suffix for path in tmp_path.iterdir()} <= {".json", ".safetensors"}


def test_a_folder_without_a_detector_is_refused(method, tmp_path):
    with pytest.raises(BadInputError, match="file not found"):
        method.load(tmp_path)


def test_a_damaged_file_is_refused_by_name(method, detector, tmp_path):
    detector.save(tmp_path)
    for path in tmp_path.iterdir():
        whole = path.read_bytes()
        for damaged in (whole[: len(whole) // 2], b"{}"):
            path.write_bytes(damaged)
            with pytest.raises(BadInputError, match=str(tmp_path)):
                method.load(tmp_path)
        path.write_bytes(whole)


def test_the_same_seed_gives_the_same_bytes(method, sample, tmp_path):
    samples = [sample(number) for number in range(4)]
    written = []
    for attempt in ("one", "two"):
        folder = tmp_path / attempt
        folder.mkdir()
        method.fit(request_for(method, samples, samples[:1])).save(folder)
        written.append({path.name: path.read_bytes() for path in folder.iterdir()})
    assert written[0] == written[1]


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_a_grey_and_a_deep_image_file_are_answered_as_their_colour_image(detector, sample, tmp_path, suffix):
    grey = sample(17).load().mean(axis=2).astype(np.uint8)
    plain = detector.predict(np.repeat(grey[:, :, None], 3, axis=2))
    assert len(plain) > 0
    # 257 × v has the high byte v: 16 bits of the same picture.
    for name, pixels in (("grey", grey), ("deep", grey.astype(np.uint16) * 257)):
        path = tmp_path / f"{name}{suffix}"
        if suffix == ".png":
            Image.fromarray(pixels).save(path)
        else:
            tifffile.imwrite(path, pixels)
        assert same(detector.predict(read_rgb(path)), plain)


def test_artefacts_are_learned_as_a_class_where_a_method_says_so(method, sample):
    if not method.artefact_class:
        assert (detector_labels(method, sample) == 0).all()
        return
    assert set(detector_labels(method, sample)) <= {0, 1}


def detector_labels(method, sample):
    """The labels that a detector gives which was fitted with every second object an artefact."""
    samples = []
    for number in range(2):
        here = sample(number)
        role = np.where(np.arange(len(here.annotations)) % 2, Role.ARTEFACT, Role.CELL).astype(np.int64)
        annotations = dataclasses.replace(here.annotations, role=role)
        if not method.artefact_class:
            annotations = annotations.take(role == Role.CELL)
        samples.append(dataclasses.replace(here, annotations=annotations))
    return method.fit(request_for(method, samples, samples[:1])).predict(sample(5).load()).label


def test_an_ensemble_of_one_answers_as_its_member(method, detector, sample):
    if method.ensemble is None:
        pytest.skip(f"{method.name} has no ensembles")
    image = sample(17).load()
    assert same(method.ensemble([detector]).predict(image), detector.predict(image))


def test_no_cell_at_all_is_refused(method, sample):
    empty = dataclasses.replace(sample(1), annotations=Annotations.empty())
    with pytest.raises(BadInputError, match="no cell in the training images"):
        method.fit(request_for(method, [empty]))


def test_points_without_a_size_are_refused(method, sample):
    points = Annotations.of(xy=np.array([[9.0, 9.0]]), box=np.array([[9.0, 9.0, 9.0, 9.0]]))
    with pytest.raises(BadInputError, match="points without a size"):
        method.fit(request_for(method, [dataclasses.replace(sample(1), annotations=points)]))


def test_training_images_without_cells_among_others_are_no_obstacle(method, sample):
    empty = dataclasses.replace(sample(1), annotations=Annotations.empty())
    detector = method.fit(request_for(method, [empty, sample(2)], [empty]))
    found = detector.predict(sample(2).load())
    assert np.isfinite(found.confidence).all()
