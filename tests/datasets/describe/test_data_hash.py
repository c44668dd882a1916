import dataclasses
from functools import partial

import numpy as np
import pytest
from PIL import Image

from bmbench.core.dataset import Split
from bmbench.core.errors import BadInputError
from bmbench.core.types import Annotations, Category, Sample
from bmbench.datasets.describe.data_hash import DataHash, data_hash
from bmbench.datasets.reading.images import read_rgb
from tests.datasets.columns import ground_truth

CELL = (Category(id=1, name="cell"),)
RING = np.array([[0.0, 0], [4, 0], [4, 3]])


def annotations(**columns):
    plain = {"xy": np.array([[1.0, 2], [5, 6]]), "box": np.array([[0.0, 0, 2, 4], [4, 4, 6, 8]])}
    return Annotations.of(**(plain | {"contour": ((RING,), ())} | columns))


def sample(image_id=1, pixel=0, **columns):
    image = np.full((8, 9, 3), pixel, np.uint8)
    return Sample(
        image_id=image_id,
        name="a",
        width=9,
        height=8,
        group="g",
        annotations=annotations(**columns),
        load=partial(np.copy, image),
    )


def digest(*samples, categories=CELL):
    hashed = DataHash(categories)
    for one in samples:
        hashed.add(one)
    return hashed.hexdigest()


def test_the_order_of_images_and_the_last_bits_of_coordinates_do_not_count():
    assert digest(sample(1), sample(2)) == digest(sample(2), sample(1))
    assert digest(sample()) == digest(sample(xy=np.array([[1.0 + 1e-9, 2], [5, 6 - 1e-9]])))
    assert digest(sample()) == digest(dataclasses.replace(sample(), name="elsewhere/a.png"))


def test_every_fact_counts():
    plain = digest(sample())
    others = [
        digest(),
        digest(sample(), sample(2)),
        digest(sample(), sample()),
        digest(sample(2)),
        digest(sample("1")),
        digest(sample(pixel=1)),
        digest(dataclasses.replace(sample(), group="h")),
        digest(dataclasses.replace(sample(), width=10)),
        digest(sample(), categories=(Category(id=1, name="cell", artefact=True),)),
        digest(sample(xy=np.array([[1.0, 2], [5, 6.01]]))),
        digest(sample(box=np.array([[0.0, 0, 2, 4], [4, 4, 6, 8.01]]))),
        digest(sample(circle=np.array([[0.0, 0, 0], [4, 4, 1]]))),
        digest(sample(contour=((), (RING,)))),
        digest(sample(contour=((RING + 1,), ()))),
        digest(sample(contour=((RING, RING), ()))),
        digest(sample(label=np.array([0, 1]))),
        digest(sample(role=np.array([0, 1]))),
        digest(sample(region=np.array([False, True]))),
    ]
    assert len({plain, *others}) == len(others) + 1


def test_the_subset_of_an_image_does_not_count():
    one, two = sample(1), sample(2)
    splits = [
        Split(samples={"train": (one, two)}, radius_px=1.0, categories=CELL),
        Split(samples={"train": (two,), "test": (one,)}, radius_px=1.0, categories=CELL),
    ]
    assert data_hash(splits[0]) == data_hash(splits[1]) == digest(one, two)


def test_a_file_counts_by_its_bytes(tmp_path):
    hashes = []
    for name, level in (("a.png", 1), ("b.png", 1), ("c.png", 9)):
        path = tmp_path / name
        noise = np.random.default_rng(0).integers(0, 50, (8, 9, 3), dtype=np.uint8)
        Image.fromarray(noise).save(path, compress_level=level)
        hashes.append(digest(dataclasses.replace(sample(), file=path, load=partial(read_rgb, path))))
    assert hashes[0] == hashes[1]
    assert hashes[0] != hashes[2]
    path.unlink()
    with pytest.raises(BadInputError, match=r"c\.png"):
        digest(dataclasses.replace(sample(), file=path, load=partial(read_rgb, path)))


def test_ground_truth_lists_the_objects_image_by_image():
    truth = ground_truth(
        [sample(7), dataclasses.replace(sample(8), annotations=Annotations.empty()), sample(9)], CELL
    )
    assert truth.image_ids == (7, 8, 9)
    assert truth.groups == ("g", "g", "g")
    assert truth.image.tolist() == [0, 0, 2, 2]
    assert truth.xy.tolist() == [[1, 2], [5, 6], [1, 2], [5, 6]]
    assert truth.categories == CELL
    assert len(ground_truth([], CELL).image) == 0
