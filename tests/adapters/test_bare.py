"""A method from an object with `fit(images, boxes)` and `predict(image)`."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest

from bmbench.adapters.bare import as_detections, method_from
from bmbench.benchmark.contract.drawn_cells import sample
from bmbench.benchmark.contract.small_settings import request_for
from bmbench.core.errors import BadInputError, RunFailedError


@dataclass(frozen=True, kw_only=True)
class Wish:
    side_px: float = 4.0


class Remembers:
    def __init__(self, settings, seed):
        self.settings, self.seed = settings, seed

    def fit(self, images, boxes, *, validation_boxes, report):
        self.seen = [image.shape for image in images]
        self.boxes = np.concatenate(boxes)
        self.table = {"n": [1, 2.5, None], "nested": (True, "x")}
        self.kept_back = len(validation_boxes)
        report(1, 0.5)

    def predict(self, image):
        return self.boxes[:1], np.array([0.25])


def fitted(method, **more):
    return method.fit(request_for(method, [sample(1), sample(2)], [sample(3)], **more))


def test_it_is_given_what_its_parameters_name():
    method = method_from(Remembers, name="remembers", settings=Wish(side_px=7.0))
    model = fitted(method).model
    assert (model.settings.side_px, model.seed, model.kept_back) == (7.0, 0, 1)
    assert model.seen == [(72, 72, 3)] * 2
    assert model.boxes.shape == (len(sample(1).annotations) + len(sample(2).annotations), 4)


def test_what_it_has_learned_is_there_again_after_loading(tmp_path):
    method = method_from(Remembers, name="remembers", settings=Wish(side_px=7.0))
    detector = fitted(method)
    detector.save(tmp_path)
    again = method.load(tmp_path).model
    assert again.settings == Wish(side_px=7.0)
    assert np.array_equal(again.boxes, detector.model.boxes)
    assert again.boxes.dtype == detector.model.boxes.dtype
    assert again.table == {"n": [1, 2.5, None], "nested": [True, "x"]}
    found = method.load(tmp_path).predict(sample(1).load())
    assert found.confidence.tolist() == [0.25]


def test_the_weights_of_torch_modules_are_kept(torch, tmp_path):
    class Net:
        def __init__(self):
            self.net = torch.nn.Linear(4, 1)

        def fit(self, images, boxes):
            with torch.no_grad():
                self.net.weight.fill_(0.5)

        def predict(self, image):
            with torch.no_grad():
                return [[0, 0, 4, 4, float(self.net(torch.ones(4)).sigmoid())]]

    method = method_from(Net, name="net", extra="train")
    detector = fitted(method)
    detector.save(tmp_path)
    loaded = method.load(tmp_path)
    assert torch.equal(loaded.model.net.weight, detector.model.net.weight)
    assert {path.suffix for path in tmp_path.iterdir()} == {".json", ".safetensors"}
    (tmp_path / "weights.safetensors").write_bytes(b"{}")
    with pytest.raises(BadInputError, match=f"{tmp_path}.*not the weights of this model"):
        method.load(tmp_path)


def test_what_cannot_be_kept_is_named(tmp_path):
    class Holds(Remembers):
        def fit(self, images, boxes):
            self.thing = object()

    detector = fitted(method_from(Holds, name="holds", settings=Wish()))
    with pytest.raises(
        RunFailedError, match=r"Holds.thing is a object, which cannot be kept; give the class save"
    ):
        detector.save(tmp_path)


def test_its_own_save_and_load_are_used_where_it_has_them(tmp_path):
    class Saves(Remembers):
        def save(self, folder):
            (folder / "mine.json").write_text("3")

        def load(self, folder):
            self.boxes = np.full((1, 4), float((folder / "mine.json").read_text()))

    method = method_from(Saves, name="saves", settings=Wish())
    fitted(method).save(tmp_path)
    assert method.load(tmp_path).model.boxes.tolist() == [[3, 3, 3, 3]]


@pytest.mark.parametrize("answer", [
    [[-5, 2, 10, 12, 0.5]],
    np.array([[-5, 2, 10, 12, 0.5]], np.float32),
    (np.array([[-5, 2, 10, 12]]), [0.5]),
    SimpleNamespace(xyxy=np.array([[-5, 2, 10, 12]]), confidence=np.array([0.5])),
])  # fmt: skip
def test_answers_of_many_kinds_are_cut_at_the_border(answer):
    found = as_detections(answer, (10, 20))
    assert found.box.tolist() == [[0, 2, 10, 10]]
    assert found.xy.tolist() == [[5, 6]]


@pytest.mark.parametrize("answer", [[], np.zeros((0, 5)), (np.zeros((0, 4)), []), [[30, 30, 40, 40, 0.9]]])
def test_nothing_is_an_answer(answer):
    assert len(as_detections(answer, (10, 20))) == 0


@pytest.mark.parametrize("answer", [
    None, 3, "cells", [[1, 2, 3, 4]], np.zeros((2, 6)), (np.zeros((2, 4)), np.zeros(3)), [[1, 2], [3]],
])  # fmt: skip
def test_what_is_no_answer_is_a_sentence(answer):
    with pytest.raises(RunFailedError, match=r"predict answered with .*expected \(n, 5\)"):
        as_detections(answer, (10, 20))


@pytest.mark.parametrize(("answer", "said"), [
    ([[1, 2, 3, np.nan, 0.5]], "not finite"),
    ([[1, 2, 3, 4, np.nan]], "not finite"),
    ([[1, 2, np.inf, 4, 0.5]], "not finite"),
    ([[5, 5, 1, 1, 0.5]], "ends before it starts"),
    (None, "nothing"),
])  # fmt: skip
def test_boxes_that_are_none_are_refused_and_not_passed_over(answer, said):
    with pytest.raises(RunFailedError, match=f"predict answered with .*{said}"):
        as_detections(answer, (10, 20))


def test_a_class_without_its_functions_is_named():
    with pytest.raises(RunFailedError, match="has no function 'fit'"):
        fitted(method_from(lambda: SimpleNamespace(predict=len), name="half"))
