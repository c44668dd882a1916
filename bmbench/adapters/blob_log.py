"""Dark blobs by the Laplacian of Gaussian: the anchor that learns no appearance (Lindeberg, IJCV 1998).

Three numbers come from the training annotations: the diameter of the cells, how large their dark part is
beside it (a nucleus is smaller than its cell), and how strong a response is worth believing. Everything
else is fixed: red light, which nuclei absorb in every common stain and red cells do not.
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np

from bmbench.adapters.images.working_scale import mean_diameter
from bmbench.adapters.learning.fit_request import FitRequest
from bmbench.adapters.method import Licence, Method
from bmbench.adapters.ranges import Few, NotNegative, PositiveFloat, PositiveInt, require_ranges
from bmbench.core.errors import BadInputError
from bmbench.core.files import read_json, write_json
from bmbench.core.objects import object_circles
from bmbench.core.types import Detections, Floats, Ints, Pixels, Role, Sample

_CARD = "blob_log.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class BlobSettings:
    """Settings of the blob detector.

    Attributes
    ----------
    smallest_blob, largest_blob : float
        Range of blob diameters that are tried on the training images, in mean cell diameters.
    n_blobs : int
        How many of them, in equal ratios.
    spread, n_scales : float, int
        The detector looks at `n_scales` scales from the chosen one divided by `spread` to it times
        `spread`, in equal ratios.
    apart : float
        Of two blobs nearer than this many mean cell diameters the stronger stays.
    reach : float
        A blob is on a cell if its centre is at most this many of the cell's radii from the cell's.
    faintest : float
        Blobs below this share of the believable response are dropped.
    """

    smallest_blob: PositiveFloat = 0.4
    largest_blob: PositiveFloat = 1.0
    n_blobs: PositiveInt = 6
    spread: PositiveFloat = 1.25
    n_scales: Few = 3
    apart: NotNegative = 0.35
    reach: NotNegative = 0.6
    faintest: NotNegative = 0.1

    def __post_init__(self) -> None:
        require_ranges(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class BlobDetector:
    """A fitted blob detector.

    Attributes
    ----------
    diameter_px : float
        Mean diameter of the training cells.
    blob : float
        Diameter of a cell's dark part, in diameters of the cell.
    believable : float
        The response (optical density) that separates cells from the rest best on the training images;
        its confidence is one half.
    """

    settings: BlobSettings
    diameter_px: float
    blob: float
    believable: float

    def predict(self, image: Pixels) -> Detections:
        """Every dark blob; confidence is response / (response + believable)."""
        height, width = image.shape[:2]
        xy, radius, response = find_blobs(image, self._sigmas(), self.settings.apart * self.diameter_px)
        kept = response >= self.settings.faintest * self.believable
        xy, radius, response = xy[kept], radius[kept] / self.blob, response[kept]
        box = np.concatenate([xy - radius[:, None], xy + radius[:, None]], axis=1)
        box = np.clip(box, 0, np.tile([width, height], 2)).astype(np.float64)
        return Detections.of(xy=xy, box=box, confidence=response / (response + self.believable))

    def save(self, folder: Path) -> None:
        """Write the three numbers and the settings (JSON) into an existing folder."""
        write_json(folder / _CARD, {"schema": "bmbench.blob_log/1", **dataclasses.asdict(self)})

    def _sigmas(self) -> Floats:
        return sigmas(self.settings, self.blob * self.diameter_px)


def fit(request: FitRequest) -> BlobDetector:
    """The blob size and the believable response that find the training cells best.

    Best is the largest F1 of "on a cell" over all responses, with each cell counted once.

    Raises
    ------
    BadInputError
        If no cell is annotated in the training images, or the cells have no size.
    """
    settings: BlobSettings = request.settings
    diameter = mean_diameter(sample.annotations for sample in request.train)
    tried = np.geomspace(settings.smallest_blob, settings.largest_blob, settings.n_blobs)
    results = list[tuple[float, float, float]]()
    for blob in request.progress.track(tried, description="Trying blob sizes", total=len(tried)):
        results.append((*_best_response(request.train, float(blob), diameter, settings), float(blob)))
        if request.report is not None:
            request.report(len(results), None, training_loss=1 - results[-1][0])
    f1, believable, blob = max(results)
    if request.report is not None:
        # The size that is kept, once more: a history takes the last of steps without validation for it.
        request.report(len(results) + 1, None, training_loss=1 - f1)
    request.progress.note(f"blobs of {blob:.2f} cell diameters, F1 {f1:.3f} on the training images")
    return BlobDetector(settings=settings, diameter_px=diameter, blob=blob, believable=believable)


def load(folder: Path) -> BlobDetector:
    """The detector that `BlobDetector.save` wrote; BadInputError if the file is not one."""
    card = read_json(folder / _CARD, within=folder)
    try:
        numbers = {name: float(card[name]) for name in ("diameter_px", "blob", "believable")}
        return BlobDetector(settings=BlobSettings(**card["settings"]), **numbers)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise BadInputError(
            "not a saved blob detector", where=str(folder / _CARD), got=str(error), remedy="fit it again"
        ) from error


def sigmas(settings: BlobSettings, blob_px: float) -> Floats:
    """(n,) standard deviations of the Gaussians for blobs of about that diameter.

    The scale-normalised response to a disc of radius r is largest at sigma = r / √2.
    """
    middle = blob_px / 2 / np.sqrt(2)
    if settings.n_scales == 1:
        return np.array([middle])
    scales: Floats = np.geomspace(middle / settings.spread, middle * settings.spread, settings.n_scales)
    return scales


def find_blobs(image: Pixels, sigma: Floats, apart_px: float) -> tuple[Floats, Floats, Floats]:
    """Centres (n, 2), radii (n,) and responses (n,) of dark blobs, strongest first.

    A blob is a local maximum over the place of the largest response over the scales; the response is the
    scale-normalised negative Laplacian of the optical density of red light.
    """
    from scipy import ndimage

    density = -np.log((image[..., 0].astype(np.float64) + 1) / 256)
    stack = np.stack([-(s**2) * ndimage.gaussian_laplace(density, s, mode="reflect") for s in sigma])
    response, scale = stack.max(axis=0), stack.argmax(axis=0)
    peak = (response == ndimage.maximum_filter(response, size=3, mode="nearest")) & (response > 1e-6)
    row, column = np.nonzero(peak)
    order = np.lexsort((column, row, -response[row, column]))
    row, column = row[order], column[order]
    xy = np.column_stack([column, row]).astype(np.float64) + 0.5
    kept = _suppress(xy, apart_px)
    radius = sigma[scale[row, column]] * np.sqrt(2)
    return xy[kept], radius[kept], response[row, column][kept]


def _suppress(xy: Floats, apart_px: float) -> Ints:
    """Rows, strongest first, without those that have a stronger kept one nearer than `apart_px`."""
    from scipy.spatial import cKDTree

    if not len(xy):
        return np.zeros(0, np.int64)
    alive = np.ones(len(xy), bool)
    # Sorted by the first: when a pair's turn comes, nothing later can change whether its first stays.
    pairs = cKDTree(xy).query_pairs(apart_px, output_type="ndarray")
    for stronger, weaker in pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]:
        if alive[stronger]:
            alive[weaker] = False
    return np.flatnonzero(alive)


def _best_response(
    train: Sequence[Sample], blob: float, diameter: float, settings: BlobSettings
) -> tuple[float, float]:
    """The best F1 over all responses on the training images, and the response that has it."""
    sigma = sigmas(settings, blob * diameter)
    judged = [_judge(sample, sigma, settings.apart * diameter, settings.reach) for sample in train]
    response = np.concatenate([response for response, _ in judged])
    on_cell = np.concatenate([on_cell for _, on_cell in judged])
    n_cells = sum(int((sample.annotations.role == Role.CELL).sum()) for sample in train)
    if not len(response):
        return 0.0, 1.0
    order = np.argsort(-response, kind="stable")
    f1 = 2 * np.cumsum(on_cell[order]) / (np.arange(1, len(order) + 1) + n_cells)
    best = int(np.argmax(f1))
    return float(f1[best]), float(response[order][best])


def _judge(sample: Sample, sigma: Floats, apart_px: float, reach: float) -> tuple[Floats, Floats]:
    """Response of each blob of one image and whether it is the strongest on some cell (1.0 or 0.0).

    Blobs on ignored objects are left out.
    """
    from scipy.spatial import cKDTree

    xy, _, response = find_blobs(sample.load(), sigma, apart_px)
    annotations = sample.annotations.take(sample.annotations.role != Role.ARTEFACT)
    if not len(annotations) or not len(xy):
        return response, np.zeros(len(response))
    circle = object_circles(annotations)
    distance, nearest = (np.asarray(column) for column in cKDTree(circle[:, :2]).query(xy))
    near = distance <= reach * circle[nearest, 2]
    ignored = near & (annotations.role[nearest] == Role.IGNORE)
    first = np.zeros(len(xy), bool)
    hits = np.flatnonzero(near)
    first[hits[np.unique(nearest[hits], return_index=True)[1]]] = True
    return response[~ignored], first[~ignored].astype(np.float64)


METHOD = Method(
    name="blob_log",
    title="dark blobs, no learning",
    family="anchor",
    paper="Lindeberg, Feature detection with automatic scale selection, IJCV 1998;30:79-116",
    settings=MappingProxyType(dict.fromkeys(("quick", "standard", "paper"), BlobSettings())),
    fit=fit,
    load=load,
    licence=Licence(name="Apache-2.0", package="bmbench"),
)
