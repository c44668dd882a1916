"""Methods of other packages are looked over when loaded, and watched while they work."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from bmbench.adapters.bare import method_from
from bmbench.adapters.method import Method
from bmbench.adapters.plugin import adopt_method, looked_over
from bmbench.benchmark.contract.drawn_cells import sample
from bmbench.benchmark.contract.small_settings import request_for
from bmbench.core.errors import BadInputError, RunFailedError
from bmbench.core.plugins import Origin, PluginError
from bmbench.core.types import Detections

ORIGIN = Origin(place="tests.adapters.test_plugin:METHOD", package="mine", version="0.1")


class Corner:
    """One detection in the corner; what a test wants to go wrong is put in its place."""

    def fit(self, images, boxes):
        self.n = len(images)

    def predict(self, image):
        return [[0, 0, 1, 1, 0.5]]


METHOD = method_from(Corner, name="corner")


def changed(**changes):
    return dataclasses.replace(METHOD, **changes)


def adopted(**changes):
    return adopt_method(changed(**changes), "corner", ORIGIN)


def fitted(method):
    return method.fit(request_for(method, [sample(1)]))


def test_it_works_as_before():
    found = fitted(adopted()).predict(sample(1).load())
    assert found.box.tolist() == [[0, 0, 1, 1]]


@pytest.mark.parametrize(("entry", "said"), [
    (7, "the method 'corner' of mine 0.1 is no Method .got int"),
    (Corner, "is no Method .got type"),
    (changed(name="other"), "calls itself 'other'; give it and its entry point one name"),
    (changed(settings={"quick": METHOD.settings["quick"]}), "no settings for the profile 'paper'"),
    (changed(settings={"quick": {}, "paper": {}}), "settings for 'quick' that are no record"),
])  # fmt: skip
def test_what_is_no_method_is_refused_in_a_sentence(entry, said):
    with pytest.raises(PluginError, match=said):
        adopt_method(entry, "corner", ORIGIN)


def test_a_name_that_no_folder_can_have_is_refused():
    with pytest.raises(PluginError, match="a name that no folder can have"):
        adopt_method(dataclasses.replace(METHOD, name="../x"), "a.b:METHOD", ORIGIN)


def raising(*_):
    raise KeyError("boom")


@pytest.mark.parametrize("what", ["fit", "load"])
def test_what_it_raises_names_the_method_the_package_and_the_line(what, tmp_path):
    method = adopted(**{what: raising})
    with pytest.raises(
        RunFailedError, match=rf"the method 'corner' of mine 0.1 failed in {what} \(KeyError: 'boom'"
    ):
        method.fit(request_for(method, [sample(1)])) if what == "fit" else method.load(tmp_path)


def test_errors_that_are_sentences_already_pass():
    def refusing(_):
        raise BadInputError("too few cells")

    with pytest.raises(BadInputError, match=r"^too few cells$"):
        fitted(adopted(fit=refusing))


def test_what_a_listener_raises_is_no_fault_of_the_method():
    class GivenUpError(Exception):
        pass

    def listener(step, loss):
        raise GivenUpError

    def fit(request):
        request.report(1, 0.5)

    method = adopted(fit=fit)
    with pytest.raises(GivenUpError):
        method.fit(dataclasses.replace(request_for(method, [sample(1)]), report=listener))


def test_a_detector_without_its_functions_is_refused():
    with pytest.raises(RunFailedError, match="fit gave a int without a function 'predict'"):
        fitted(adopted(fit=lambda _: 3))


def answer(**columns):
    good = {
        "xy": np.array([[1.0, 1]]), "box": np.array([[0.0, 0, 2, 2]]), "confidence": np.array([0.5]),
        "label": np.zeros(1, np.int64),
    }  # fmt: skip
    found = Detections.of(xy=good["xy"], box=good["box"], confidence=good["confidence"])
    for name, value in columns.items():
        object.__setattr__(found, name, value)
    return found


RUBBISH = {
    "nothing": (None, "answered with NoneType, expected Detections"),
    "an array": (np.zeros((3, 5)), r"answered with a ndarray of shape \(3, 5\), expected Detections"),
    "boxes of another shape": (answer(box=np.zeros((1, 2))), r"box of shape \(1, 2\), expected \(1, 4\)"),
    "a column too much": (
        answer(confidence=np.zeros((1, 1))),
        r"confidence of shape \(1, 1\), expected \(1,\)",
    ),
    "texts": (answer(confidence=np.array(["a"])), "confidence that are no numbers"),
    "not finite": (answer(xy=np.array([[np.nan, 1]])), "xy that are not finite"),
    "per cent": (answer(confidence=np.array([80.0])), "confidences from 80 to 80, expected 0 to 1"),
    "turned": (answer(box=np.array([[5.0, 5, 1, 1]])), "a box that ends before it starts"),
    "a label": (answer(label=np.array([-1])), "a label below 0"),
}


@pytest.mark.parametrize("kind", RUBBISH)
def test_rubbish_is_a_sentence(kind):
    value, said = RUBBISH[kind]
    with pytest.raises(RunFailedError, match=said):
        looked_over(value, said="the method 'x'")


def test_other_types_of_numbers_are_taken():
    found = looked_over(
        answer(confidence=np.array([0.5], np.float32), box=[[0, 0, 2, 2]], label=[0]), said="the method 'x'"
    )
    assert (found.confidence.dtype, found.box.dtype, found.label.dtype) == (np.float64, np.float64, np.int64)


def test_an_ensemble_and_a_decoding_are_watched_too():
    method = Method(
        **{field.name: getattr(METHOD, field.name) for field in dataclasses.fields(Method)}
        | {"ensemble": lambda detectors: detectors[0], "infer": lambda detector, image: raising}
    )
    watched = adopt_method(method, "corner", ORIGIN)
    detector = fitted(watched)
    assert len(watched.ensemble([detector]).predict(sample(1).load())) == 1
    with pytest.raises(RunFailedError, match="KeyError: 'boom'"):
        watched.infer(detector, sample(1).load())(None)
