"""A fit repeats byte for byte, stops when it should, and leaves no trace outside itself."""

import dataclasses
import logging
import os
import random
from pathlib import Path

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch")

from bmbench.adapters import METHODS
from bmbench.adapters.images.augment import augment
from bmbench.adapters.images.working_scale import at_working_scale
from bmbench.adapters.learning.fit_request import FitRequest
from bmbench.adapters.unet.encodings.encoding import ENCODINGS
from bmbench.adapters.unet.settings import QUICK, UNetSettings
from bmbench.adapters.unet.training import fixed_patches
from bmbench.core.errors import RunFailedError
from bmbench.core.progress import Silent
from bmbench.core.types import Role

TINY = UNetSettings(
    cell_px=10.0, depth=1, width=4, patch_px=32, batch=3, shard=1, steps=3, validate_every=1, views=1
)


class Notes(Silent):
    def __init__(self):
        self.texts = []

    def note(self, text):
        self.texts.append(text)


def fitted(sample, *, settings=TINY, seed=0, validation=None, progress=None, train=None):
    request = FitRequest(
        train=train or [sample(1), sample(2)],
        validation=[sample(3)] if validation is None else validation,
        settings=settings,
        seed=seed,
        augment=augment,
        progress=progress or Silent(),
    )
    return METHODS.get("unet_shrink").fit(request)


def weights(detector):
    return [tensor.numpy() for tensor in detector.network.state_dict().values()]


def same(one, other):
    return all(np.array_equal(a, b) for a, b in zip(weights(one), weights(other), strict=True))


@pytest.mark.parametrize("normalisation", ["group", "batch", "instance", "none"])
def test_the_same_seed_gives_the_same_weights_on_any_number_of_threads(sample, monkeypatch, normalisation):
    settings = dataclasses.replace(TINY, normalisation=normalisation)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    alone = fitted(sample, settings=settings)
    torch.rand(3)
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    assert same(alone, fitted(sample, settings=settings))


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a graphics card, which is asked to")
def test_a_processor_is_not_asked_for_short_numbers(sample):
    assert same(fitted(sample, settings=dataclasses.replace(TINY, precision="bfloat16")), fitted(sample))


def test_another_seed_gives_other_weights(sample):
    assert not same(fitted(sample), fitted(sample, seed=1))


def state():
    return {
        "threads": torch.get_num_threads(),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "cudnn": (torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark),
        "opencv": cv2.getNumThreads(),
        "torch": torch.get_rng_state().tolist(),
        "numpy": str(np.random.get_state()),  # noqa: NPY002
        "python": random.getstate(),
        "environment": dict(os.environ),
        "folder": Path.cwd(),
        "logging": (
            logging.getLogger().level,
            list(logging.getLogger().handlers),
            logging.root.manager.disable,
        ),
        "gradients": torch.is_grad_enabled(),
        "dtype": torch.get_default_dtype(),
    }


def test_fit_and_predict_leave_the_process_as_it_was(sample, monkeypatch):
    monkeypatch.setattr(torch.backends.cudnn, "benchmark", True)
    monkeypatch.setattr(torch.backends.cudnn, "deterministic", False)
    before_threads = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        before = state()
        detector = fitted(sample)
        detector.predict(sample(1).load())
        assert state() == before
    finally:
        torch.set_num_threads(before_threads)


def test_training_ends_when_the_validation_loss_no_longer_falls(sample):
    notes = Notes()
    still = dataclasses.replace(TINY, learning_rate=0.0, steps=50, validate_every=2, patience=3)
    fitted(sample, settings=still, progress=notes)
    # The first validation is the best one; three more without improvement end it: at steps 2, 4, 6, 8.
    assert [text.split(",")[0] for text in notes.texts] == ["step 2", "step 4", "step 6", "step 8"]


def test_the_best_weights_are_kept_and_not_the_last(sample):
    # The validation image is annotated at wrong places: the better the fit, the worse its loss.
    notes = Notes()
    wild = dataclasses.replace(TINY, learning_rate=0.05, averaging=0.0, steps=30, patience=30, width=8)
    wrong = dataclasses.replace(sample(3), annotations=sample(4).annotations)
    detector = fitted(sample, settings=wild, progress=notes, validation=[wrong])
    losses = [float(text.rsplit(" ", 1)[1]) for text in notes.texts]
    assert int(np.argmin(losses)) < len(losses) - 1
    best = dataclasses.replace(wild, validate_every=int(np.argmin(losses)) + 1)
    assert same(detector, fitted(sample, settings=best, validation=[wrong]))
    assert not same(detector, fitted(sample, settings=wild, validation=[]))


def test_without_validation_images_the_last_weights_are_kept(sample):
    wild = dataclasses.replace(TINY, learning_rate=0.3, averaging=0.0)
    last = dataclasses.replace(wild, validate_every=3)
    assert same(fitted(sample, settings=wild, validation=[]), fitted(sample, settings=last, validation=[]))


def test_a_diverging_loss_ends_the_run_with_a_remedy(sample):
    hot = dataclasses.replace(TINY, learning_rate=1e30, normalisation="none", steps=20)
    with pytest.raises(RunFailedError, match="lower the learning rate"):
        fitted(sample, settings=hot)


def test_ignored_objects_carry_no_weight_into_the_patches(sample):
    one = sample(1)
    ignored = dataclasses.replace(one.annotations, role=np.full(len(one.annotations), Role.IGNORE, np.int64))
    source = at_working_scale(dataclasses.replace(one, annotations=ignored), 1.0)
    settings = dataclasses.replace(TINY, patch_px=24)  # three by three patches cover the 72 px
    patches = fixed_patches([source], encoding=ENCODINGS.get("shrink"), settings=settings)
    assert not any(patch.target.value.any() for patch in patches)
    weightless = sum((patch.target.weight == 0).sum() for patch in patches)
    assert weightless == pytest.approx(np.pi * (ignored.circle[:, 2] ** 2).sum(), rel=0.02)


def test_validation_patches_cover_the_image_once_and_are_weightless_beyond_it(sample):
    source = at_working_scale(sample(1), 1.0)
    patches = fixed_patches([source], encoding=ENCODINGS.get("shrink"), settings=TINY)
    # 72 px and patches of 32: starts at 0 and 32; a rest of 8 px is less than half a patch and left out.
    assert len(patches) == 4
    assert np.array_equal(patches[1].image, source.image[:32, 32:64])
    small = fixed_patches(
        [source], encoding=ENCODINGS.get("shrink"), settings=dataclasses.replace(TINY, patch_px=80)
    )
    assert len(small) == 1
    assert not small[0].target.weight[72:].any()
    assert small[0].target.weight[:72, :72].all()


def test_the_number_of_validation_patches_is_limited_evenly(sample):
    settings = dataclasses.replace(TINY, validation_patches=2)
    patches = fixed_patches(
        [at_working_scale(sample(1), 1.0)], encoding=ENCODINGS.get("shrink"), settings=settings
    )
    every = fixed_patches([at_working_scale(sample(1), 1.0)], encoding=ENCODINGS.get("shrink"), settings=TINY)
    assert [p.image.tobytes() for p in patches] == [every[0].image.tobytes(), every[2].image.tobytes()]


def test_the_quick_profile_learns_from_few_steps_what_a_cell_is(sample):
    settings = dataclasses.replace(QUICK, cell_px=10.0, depth=2, width=8, patch_px=48, steps=60)
    detector = fitted(sample, settings=settings, train=[sample(i) for i in range(4)])
    truth = sample(11)
    found = detector.predict(truth.load())
    sure = found.xy[found.confidence > 0.5]
    distance = np.linalg.norm(truth.annotations.xy[:, None] - sure[None], axis=2)
    assert len(sure) == len(truth.annotations)
    assert distance.min(axis=1).max() < 3


@pytest.mark.parametrize(
    "changes",
    [
        {"optimiser": "adam"},
        {"optimiser": "sgd", "learning_rate": 0.3},
        {"optimiser": "sgd", "learning_rate": 0.3, "momentum": 0.0},
        {"depth": 3},
        {"width": 12},
        {"patch_px": 40, "batch": 5, "shard": 2},
        {"loss": "squared"},
        {"loss": "absolute"},
        {"loss": "none", "dice": 1.0},
        {"normalisation": "batch"},
        {"normalisation": "instance"},
        {"normalisation": "none"},
        {"precision": "bfloat16"},
    ],
    ids=str,
)
def test_every_setting_learns_and_predicts_images_of_any_size(sample, changes):
    base = dataclasses.replace(TINY, patch_px=48, steps=20, validate_every=10, width=8)
    notes = Notes()
    detector = fitted(sample, settings=dataclasses.replace(base, **changes), progress=notes)
    losses = [float(text.rsplit(" ", 1)[1]) for text in notes.texts]
    assert losses[-1] < losses[0]
    for size in ((31, 57), (1, 1)):
        found = detector.predict(sample(1).load()[: size[0], : size[1]])
        assert (found.box <= np.array([size[1], size[0]] * 2)).all()
