"""A method from any object with ``fit(images, boxes)`` and ``predict(image)``.

::

    class MyModel:
        def fit(self, images, boxes): ...      # lists of (h, w, 3) uint8 and of (n, 4) x0 y0 x1 y1
        def predict(self, image): ...          # (n, 5): x0 y0 x1 y1 confidence

    METHOD = bmbench.method_from(MyModel, name="my_model")

What the object has learned is kept by itself: numbers, texts, lists and arrays among its attributes, and the
weights of torch modules. An object that holds anything else brings its own ``save(folder)`` and
``load(folder)``; nothing is ever pickled, as a stranger's pickle runs.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from bmbench.adapters.images.working_scale import mean_diameter
from bmbench.adapters.learned_state import read_learned, write_learned
from bmbench.adapters.learning.fit_request import FitRequest
from bmbench.adapters.method import Method
from bmbench.adapters.search_space import Space
from bmbench.core.errors import BadInputError, RunFailedError
from bmbench.core.files import read_json, write_json
from bmbench.core.types import Detections, Floats, Pixels, Role, Sample

SCHEMA = "bmbench.bare/1"
_CARD = "model.json"
_FACTS = ("validation_images", "validation_boxes", "seed", "report", "state", "progress", "classes")
"""What `fit` is also given, where it has a parameter of that name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoSettings:
    """The settings of a method that has none."""


def method_from(
    model: Callable[..., Any],
    *,
    name: str,
    title: str = "",
    family: str = "other",
    paper: str = "not published",
    settings: Any = None,
    space: Space | None = None,
    extra: str | None = None,
) -> Method:
    """A method of bmbench from a class with `fit` and `predict`.

    Parameters
    ----------
    model : class, or function that gives an object
        Called with the settings if it takes an argument, and with ``seed=`` if it has such a parameter. The
        object has ``fit(images, boxes)``: lists with an image and its boxes each, (height, width, 3) uint8
        and (n, 4) x0 y0 x1 y1; and ``predict(image)``, which gives (n, 5) x0 y0 x1 y1 confidence, or a pair
        of boxes and confidences. `fit` may have further parameters: `validation_images`, `validation_boxes`,
        `seed`; `report`, to be called with (step, loss) now and then; `state`, a folder for what a stopped
        training needs to be resumed.
    name : str
        Letters, digits, ``_`` and ``-``.
    title, family, paper : str
        What ``bmbench methods`` shows of it.
    settings : object of a frozen dataclass, or a mapping from profile to one, optional
        What ``--set`` changes.
    space : Space, optional
        Where ``bmbench tune`` looks for better settings.
    extra : str, optional
        "train" if it needs torch.

    Examples
    --------
    >>> import bmbench, numpy as np
    >>> class Middle:
    ...     def fit(self, images, boxes):
    ...         self.side = float(np.mean([box[2:] - box[:2] for part in boxes for box in part]))
    ...     def predict(self, image):
    ...         y, x = (n / 2 for n in image.shape[:2])
    ...         return [[x - self.side / 2, y - self.side / 2, x + self.side / 2, y + self.side / 2, 0.5]]
    >>> METHOD = bmbench.method_from(Middle, name="middle")
    >>> METHOD.family
    'other'
    """
    profiles = settings if isinstance(settings, Mapping) else dict.fromkeys(("quick", "paper"), settings)
    resolved = {profile: NoSettings() if one is None else one for profile, one in profiles.items()}
    return Method(
        name=name,
        title=title or name.replace("_", " "),
        family=family,
        paper=paper,
        settings=MappingProxyType(resolved),
        fit=partial(_fit, model),
        load=partial(_load, model, resolved["quick"]),
        extra=extra,
        space={} if space is None else dict.fromkeys(resolved, space),
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BareDetector:
    """A fitted object.

    Attributes
    ----------
    model : object with `predict`
    settings : dataclass
    make : settings → object
        An object that has learned nothing.
    """

    model: Any
    settings: Any
    make: Callable[[Any], Any]

    def predict(self, image: Pixels) -> Detections:
        """What the object answers, as detections inside the image."""
        return as_detections(self.model.predict(image), image.shape[:2])

    def save(self, folder: Path) -> None:
        """Write the settings and what the object has learned."""
        write_json(folder / _CARD, {"schema": SCHEMA, **self._card(folder)})

    def _card(self, folder: Path) -> dict[str, Any]:
        settings = dataclasses.asdict(self.settings)
        if callable(getattr(self.model, "save", None)):
            self.model.save(folder)
            return {"settings": settings, "own": True}
        return {
            "settings": settings,
            "own": False,
            **write_learned(self.model, self.make(self.settings), folder),
        }


def as_detections(answer: Any, size: tuple[int, int]) -> Detections:
    """Detections from (n, 5), from a pair of (n, 4) and (n,), or from what supervision calls so.

    Boxes are cut at the border of an image of `size` (height, width); those outside are left out.

    Raises
    ------
    RunFailedError
        If it is nothing of that kind.
    """
    if isinstance(answer, Detections):
        return answer
    if hasattr(answer, "xyxy"):
        answer = (answer.xyxy, answer.confidence)
    box, confidence = _columns(answer)
    if not (np.isfinite(box).all() and np.isfinite(confidence).all()):
        raise RunFailedError("predict answered with boxes or confidences that are not finite")
    if (box[:, 2:] < box[:, :2]).any():
        raise RunFailedError("predict answered with a box that ends before it starts (x0 y0 x1 y1)")
    height, width = size
    box = np.clip(box, 0, [width, height, width, height])
    kept = (box[:, 2:] > box[:, :2]).all(axis=1)
    box = box[kept]
    return Detections.of(xy=(box[:, :2] + box[:, 2:]) / 2, box=box, confidence=confidence[kept])


def _columns(answer: Any) -> tuple[Floats, Floats]:
    expected = "expected (n, 5): x0 y0 x1 y1 confidence, or a pair of boxes (n, 4) and confidences (n,)"
    if answer is None:
        raise RunFailedError(f"predict answered with nothing (None), {expected}")
    try:
        if isinstance(answer, tuple) and len(answer) == 2:
            box, confidence = (np.asarray(part, np.float64) for part in answer)
        else:
            whole = np.asarray(answer, np.float64)
            whole = whole.reshape(0, 5) if whole.size == 0 else whole
            if whole.ndim != 2 or whole.shape[1] != 5:
                raise RunFailedError(f"predict answered with shape {whole.shape}, {expected}")
            box, confidence = whole[:, :4], whole[:, 4]
    except (TypeError, ValueError):
        raise RunFailedError(f"predict answered with a {type(answer).__name__}, {expected}") from None
    box = box.reshape(0, 4) if box.size == 0 else box
    if box.ndim != 2 or box.shape[1] != 4 or confidence.shape != (len(box),):
        got = f"boxes of shape {box.shape} and confidences of shape {confidence.shape}"
        raise RunFailedError(f"predict answered with {got}, {expected}")
    return box, confidence


def _fit(model: Callable[..., Any], request: FitRequest) -> BareDetector:
    """The object, fitted; BadInputError where no training image has a cell, or cells are points."""
    mean_diameter(sample.annotations for sample in request.train)
    make = partial(_made, model, seed=request.seed)
    fresh = make(request.settings)
    lacking = [name for name in ("fit", "predict") if not callable(getattr(fresh, name, None))]
    if lacking:
        raise RunFailedError(f"{type(fresh).__name__} has no function {lacking[0]!r}")
    facts = {
        "validation_images": [sample.load() for sample in request.validation],
        "validation_boxes": [_boxes(sample) for sample in request.validation],
        "classes": [category.name for category in request.classes],
        **{name: getattr(request, name) for name in ("seed", "report", "state", "progress")},
    }
    if facts["report"] is None:
        facts["report"] = _unheard
    images, boxes = [sample.load() for sample in request.train], [_boxes(sample) for sample in request.train]
    fresh.fit(images, boxes, **{name: facts[name] for name in _FACTS if name in _parameters(fresh.fit)})
    return BareDetector(model=fresh, settings=request.settings, make=make)


def _unheard(*_facts: Any, **_more: Any) -> None:
    """Nobody listens to the report."""


def _load(model: Callable[..., Any], like: Any, folder: Path) -> BareDetector:
    """The object that `BareDetector.save` wrote; BadInputError if the folder holds none."""
    path = folder / _CARD
    card = read_json(path, within=folder)
    if not isinstance(card, dict) or card.get("schema") != SCHEMA:
        raise BadInputError("not a saved model", where=str(path), expected=SCHEMA, remedy="fit it again")
    try:
        settings = type(like)(**card["settings"])
        fresh = _made(model, settings, seed=0)
        if card["own"]:
            fresh.load(folder)
        else:
            read_learned(fresh, card, folder)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        got = f"{type(error).__name__}: {error}"
        raise BadInputError("not a saved model", where=str(path), got=got, remedy="fit it again") from error
    return BareDetector(model=fresh, settings=settings, make=partial(_made, model, seed=0))


def _made(model: Callable[..., Any], settings: Any, *, seed: int) -> Any:
    """An object that has learned nothing."""
    names = _parameters(model)
    takes = [name for name in names if name != "seed"]
    arguments = [settings] if takes and not isinstance(settings, NoSettings) else []
    return model(*arguments, **({"seed": seed} if "seed" in names else {}))


def _parameters(function: Callable[..., Any]) -> Sequence[str]:
    try:
        return list(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return []


def _boxes(sample: Sample) -> Floats:
    """(n, 4) the boxes of the cells."""
    annotations = sample.annotations
    box: Floats = annotations.box[annotations.role == Role.CELL].copy()
    return box
