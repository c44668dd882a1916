"""Any method with a classifier of crops behind it, as a method of its own: ``NAME+crops``.

The detector is taught cells of no class; a network is taught the classes, from pictures of the annotated
cells of the training images. A cell's confidence stays the detector's: which cells there are does not depend
on what they are called.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np

from bmbench.adapters.ensemble import save_members
from bmbench.adapters.learning.fit_request import FitRequest
from bmbench.adapters.learning.reproducible import environment_kept
from bmbench.adapters.method import Detector, Method
from bmbench.core.files import make_folder
from bmbench.core.types import Detections, Pixels

if TYPE_CHECKING:
    from bmbench.adapters.classifier.network import CropClassifier

STAGE = "crops"
"""What stands behind the + in the name of such a method."""
DETECTOR, CLASSIFIER = "detector", "classifier"
"""The folders of the two stages in a checkpoint."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClassifiedDetector:
    """A detector of cells, and what says their classes; without classifiers a cell is a cell.

    Of several classifiers the mean decides.
    """

    detector: Detector
    classifiers: tuple[CropClassifier, ...]

    @property
    def best_tile_px(self) -> int:
        """The detector's own wish; none (AttributeError) where it has none."""
        side: int = self.detector.best_tile_px  # type: ignore[attr-defined]
        return side

    def predict(self, image: Pixels) -> Detections:
        """Every cell of one (height, width, 3) RGB image with its class, and every artefact after them."""
        found = self.detector.predict(image)
        if not self.classifiers or not len(found):
            return found
        sure = np.mean([one.probabilities(image, found.xy) for one in self.classifiers], axis=0)
        label = np.where(found.label == 0, sure.argmax(axis=1), sure.shape[1])
        return dataclasses.replace(found, label=label.astype(np.int64))

    def save(self, folder: Path) -> None:
        """Write both stages into an existing folder, each into a folder of its own."""
        (folder / DETECTOR).mkdir()
        self.detector.save(folder / DETECTOR)
        for classifier in self.classifiers:
            (folder / CLASSIFIER).mkdir()
            classifier.save(folder / CLASSIFIER)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClassifiedEnsemble:
    """Several of them: their detectors answer as one, their classifiers by the mean."""

    members: tuple[ClassifiedDetector, ...]
    joined: ClassifiedDetector

    @property
    def best_tile_px(self) -> int:
        """As of one of them."""
        return self.joined.best_tile_px

    def predict(self, image: Pixels) -> Detections:
        """As of one of them."""
        return self.joined.predict(image)

    def save(self, folder: Path) -> None:
        """Write each member into a folder of its own."""
        save_members(folder, self.members)


def with_classifier(method: Method) -> Method:
    """The method with a classifier of crops behind it.

    It learns and finds what the method does, and tells classes apart whether the method can or not. Its
    settings are the method's, and so are the weights that its detector may begin with; it is neither searched
    nor decoded anew.
    """
    return dataclasses.replace(
        method,
        name=f"{method.name}+{STAGE}",
        title=f"{method.title}; a second network tells classes",
        fit=partial(_fit, method=method),
        load=partial(_load, method=method),
        extra=method.extra or "train",
        cell_classes=True,
        needs_classes=True,
        ensemble=None if method.ensemble is None else partial(_ensemble, method=method),
        space={},
        infer=None,
    )


def _fit(request: FitRequest, *, method: Method) -> ClassifiedDetector:
    state = request.state
    if state is not None:
        make_folder(state)
    of_no_class = dataclasses.replace(request, classes=(), state=None if state is None else state / DETECTOR)
    detector = method.fit(of_no_class)
    if not request.classes:
        return ClassifiedDetector(detector=detector, classifiers=())
    with environment_kept():
        from bmbench.adapters.classifier.network import fit

        return ClassifiedDetector(detector=detector, classifiers=(fit(request),))


def _load(folder: Path, *, method: Method) -> ClassifiedDetector:
    detector = method.load(folder / DETECTOR)
    if not (folder / CLASSIFIER).exists():
        return ClassifiedDetector(detector=detector, classifiers=())
    with environment_kept():
        from bmbench.adapters.classifier.network import load

        return ClassifiedDetector(detector=detector, classifiers=(load(folder / CLASSIFIER),))


def _ensemble(members: Sequence[Detector], *, method: Method) -> ClassifiedEnsemble:
    own = tuple(cast("Sequence[ClassifiedDetector]", members))
    join = method.ensemble
    if join is None:
        raise TypeError(f"{method.name} cannot answer as an ensemble")
    joined = ClassifiedDetector(
        detector=join([one.detector for one in own]),
        classifiers=tuple(classifier for one in own for classifier in one.classifiers),
    )
    return ClassifiedEnsemble(members=own, joined=joined)
