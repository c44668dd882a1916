"""Each check of the contract fails on the fault that it is for, and says what is wrong."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
import pytest

from bmbench.adapters.bare import method_from
from bmbench.benchmark.contract.check_method import check_method, findings_table
from bmbench.benchmark.contract.checks import CHECKS, Subject
from bmbench.benchmark.contract.promises import BrokenPromiseError
from bmbench.core.progress import Silent
from bmbench.core.types import Detections
from bmbench.present.html import text_of


@dataclass(frozen=True, kw_only=True)
class Settings:
    share: float = 0.5


class Dark:
    """Finds what is dark: it keeps every promise."""

    def fit(self, images, boxes):
        self.side = float(np.mean([box[2:] - box[:2] for part in boxes for box in part]))

    def predict(self, image):
        from scipy import ndimage

        spots, n = ndimage.label(image[..., 0] < 160)
        middle = np.array(ndimage.center_of_mass(spots > 0, spots, range(1, n + 1))).reshape(n, 2) + 0.5
        reach = self.side / 2
        y, x = middle.T
        return np.column_stack([x - reach, y - reach, x + reach, y + reach, np.full(n, 0.9)])


def method(model=Dark, **changes):
    return dataclasses.replace(method_from(model, name="dark", settings=Settings()), **changes)


def faulty(**functions):
    return method(type("Faulty", (Dark,), functions))


@dataclass(kw_only=True)
class Loose:
    share: float = 0.5


class Drifts(Dark):
    calls = 0

    def predict(self, image):
        type(self).calls += 1
        return Dark.predict(self, image) + np.array([0, 0, 0, 0, -1e-3 * type(self).calls])


class Colourless(Dark):
    """Finds cells of any colour, and has one word for all."""

    def predict(self, image):
        return Dark.predict(self, image[..., 2:])


class Luck(Dark):
    fits = 0

    def fit(self, images, boxes):
        super().fit(images, boxes)
        type(self).fits += 1
        self.fits_so_far = type(self).fits


def only(self, image):
    return Dark.predict(self, image)[:1]


def far(self, image):
    found = Dark.predict(self, image)
    return found[:, :4] + 30, found[:, 4]


def always(self, image):
    return [[0, 0, 5, 5, 0.9], *Dark.predict(self, image)]


def writing(self, image):
    image[0, 0] = 0
    return Dark.predict(self, image)


def in_colour_only(self, image):
    grey = (image[..., 0] == image[..., 1]).all()
    return Dark.predict(self, image)[: None if not grey else np.random.default_rng().integers(1, 9)]


def saves_pickle(self, folder):
    (folder / "model.pkl").write_bytes(b"x")


def loads_anything(_folder):
    return method().fit


def accepting(request):
    kept = [one for one in request.train if len(one.annotations) and one.annotations.box[0, 2] > 9]
    from bmbench.benchmark.contract.drawn_cells import sample

    return method().fit(dataclasses.replace(request, train=kept or [sample(3)]))


def crashing_without_cells(request):
    if any(not len(one.annotations) for one in request.train):
        raise ZeroDivisionError("no cell on an image")
    return method().fit(request)


def crashing_in_ignored_regions(request):
    if any(one.annotations.region.any() for one in request.train):
        raise ZeroDivisionError("nothing to learn from")
    return method().fit(request)


def labelled(request):
    detector = method().fit(request)

    class Labels:
        def predict(self, image):
            found = detector.predict(image)
            return dataclasses.replace(found, label=np.full(len(found), 3))

    return Labels()


class Silence:
    def predict(self, image):
        return Detections.empty()


GOES_ON = "load of a model.json that is cut in half is not refused"
ONE_WORD = "9 of 17 cells are given their class of two"
COLOURED = "is answered otherwise than its colour image"
LOOSE = {"quick": Loose(), "paper": Loose()}
FAULTS = {
    "has_settings_that_json_can_hold": (method(settings=LOOSE), "can be changed"),
    "finds_drawn_cells": (faulty(predict=only), "of 9 drawn cells have no detection within 4 px"),
    "answers_inside_the_image": (faulty(predict=lambda self, image: []), "nothing was found"),
    "is_sure_of_nothing_without_cells": (faulty(predict=always), "on an empty image of 1 × 1 px"),
    "answers_a_small_image": (faulty(predict=far), "a cell on an image of 24 × 24 px is not found"),
    "leaves_pixels_alone": (faulty(predict=writing), "predict changes the image"),
    "answers_twice_alike": (method(Drifts), "predicting one image twice"),
    "survives_saving": (faulty(save=saves_pickle), "save wrote files .pkl; reading them may run code"),
    "refuses_an_empty_folder": (method(load=loads_anything), "load of an empty folder is not refused"),
    "refuses_a_damaged_file": (method(load=loads_anything), GOES_ON),
    "repeats_itself": (method(Luck), "two fits with one seed wrote another model.json"),
    "reads_grey_and_deep_images": (faulty(predict=in_colour_only), COLOURED),
    "labels_artefacts_only_where_it_says_so": (method(fit=labelled), r"labels are \[3\], expected \[0\]"),
    "tells_classes_apart_where_it_says_so": (method(Colourless, cell_classes=True), ONE_WORD),
    "joins_to_an_ensemble": (method(ensemble=lambda _: Silence()), "an ensemble of one answers otherwise"),
    "refuses_images_without_cells": (method(fit=accepting), "fit without any cell is not refused"),
    "refuses_points": (method(fit=accepting), "fit to points is not refused"),
    "bears_single_images_without_cells": (method(fit=crashing_without_cells), "no cell on an image"),
    "bears_images_to_be_ignored_whole": (method(fit=crashing_in_ignored_regions), "nothing to learn from"),
}  # fmt: skip


def test_there_is_a_fault_for_every_check():
    assert set(FAULTS) == set(CHECKS)


@pytest.fixture(scope="module", name="good")
def _good():
    return Subject(method=method())


@pytest.mark.parametrize("name", CHECKS)
def test_a_method_without_faults_keeps_it(good, name, tmp_path):
    CHECKS[name](good, tmp_path)


@pytest.mark.parametrize("name", CHECKS)
def test_the_fault_that_it_is_for_is_found(name, tmp_path):
    broken, said = FAULTS[name]
    errors = (BrokenPromiseError, ZeroDivisionError)
    with pytest.raises(errors, match=said):
        CHECKS[name](Subject(method=broken), tmp_path)


def test_all_findings_are_told_whatever_one_of_them_raises():
    findings = check_method(method(fit=crashing_without_cells), Silent())
    assert [finding.check for finding in findings] == list(CHECKS)
    broken = {finding.check: finding.broken for finding in findings if finding.broken}
    assert broken["bears_single_images_without_cells"].startswith("it raises ZeroDivisionError: no cell on")
    assert "finds_drawn_cells" not in broken
    shown = text_of([findings_table(method(), findings)])
    assert f"{len(broken)} of {len(CHECKS)} broken" in shown
    assert max(map(len, shown.splitlines())) <= 80
