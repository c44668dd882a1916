"""Several networks and views as one answer."""

import dataclasses
import json

import numpy as np
import pytest

from bmbench.adapters import METHODS
from bmbench.adapters.ensemble import load_detector, member_seed
from bmbench.adapters.images.augment import augment
from bmbench.adapters.learning.fit_request import FitRequest
from bmbench.core.errors import BadInputError

METHOD = METHODS.get("unet_shrink")
SETTINGS = dataclasses.replace(
    METHOD.settings["quick"], cell_px=10.0, depth=2, width=8, patch_px=48, batch=4, shard=2, steps=30
)
MIRRORS = (np.s_[:, ::-1], np.s_[::-1, :], np.s_[::-1, ::-1])
COLUMNS = ("xy", "box", "confidence", "label")


@pytest.fixture(name="members", scope="module")
def _members(request, torch):
    samples = [request.getfixturevalue("sample_of")(number) for number in range(3)]
    return [
        METHOD.fit(
            FitRequest(
                train=samples, validation=(), settings=SETTINGS, seed=member_seed(5, number), augment=augment
            )
        )
        for number in range(2)
    ]


@pytest.fixture(name="sample_of", scope="module")
def _sample_of():
    from bmbench.core.geometry import circle_box
    from bmbench.core.types import Annotations, Sample

    def make(number):
        circle = np.array([(x, y, 8.0) for x in (14.0, 38.5, 62.0) for y in (13.0, 36.0 + number, 61.5)])
        y, x = np.mgrid[:76, :76] + 0.5
        far = np.min([np.hypot(x - cx, y - cy) - r for cx, cy, r in circle], axis=0)
        dark = np.clip(0.5 - far, 0, 1)[..., None]
        image = np.round(235 + dark * (np.array([90, 40, 140]) - 235)).astype(np.uint8)
        return Sample(
            image_id=number,
            name=str(number),
            width=76,
            height=76,
            group=str(number),
            annotations=Annotations.of(xy=circle[:, :2], box=circle_box(circle), circle=circle),
            load=lambda: image,
        )

    return make


def same(one, other):
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in COLUMNS)


@pytest.mark.parametrize("mirror", MIRRORS)
@pytest.mark.parametrize("size", [(48, 48), (37, 61), (130, 45)])
def test_a_mirrored_image_has_the_mirrored_map_to_the_last_bit(members, mirror, size):
    member = dataclasses.replace(
        members[0], settings=dataclasses.replace(SETTINGS, tile_px=64, overlap_px=16)
    )
    image = np.random.default_rng(1).integers(0, 256, (*size, 3), np.uint8)
    assert np.array_equal(member.map(image[mirror]), member.map(image)[mirror])


def test_one_view_alone_is_not_the_same_in_the_mirror(members, sample_of):
    """Otherwise the law above would say nothing about the views."""
    image = sample_of(7).load()
    single = dataclasses.replace(members[0], settings=dataclasses.replace(SETTINGS, views=1))
    assert not np.array_equal(single.map(image[:, ::-1]), single.map(image)[:, ::-1])


def test_cells_of_a_mirrored_image_lie_in_the_mirror(members, sample_of):
    image = sample_of(7).load()
    straight, mirrored = (METHOD.ensemble(members).predict(picture) for picture in (image, image[:, ::-1]))
    seen = np.column_stack([76 - mirrored.xy[:, 0], mirrored.xy[:, 1], mirrored.confidence])
    known = np.column_stack([straight.xy, straight.confidence])
    assert len(straight) >= 9
    # Flooding breaks ties by position, which moves a border by a pixel at most.
    for row in known[known[:, 2] > 0.3]:
        assert np.abs(seen - row).max(axis=1).min() < 0.6


def test_the_map_is_the_mean_of_every_member_seen_in_every_view(members, sample_of):
    image = sample_of(7).load()
    single = [dataclasses.replace(m, settings=dataclasses.replace(SETTINGS, views=1)) for m in members]
    factor = members[0].calibration.factor
    assert factor == members[1].calibration.factor
    views = (np.s_[:, :], *MIRRORS)
    from bmbench.adapters.images.working_scale import resized, working_size
    from bmbench.adapters.unet.encodings.encoding import ENCODINGS
    from bmbench.adapters.unet.found_cells import Growth, find_objects

    small = resized(image, working_size(76, 76, factor))
    mean = np.mean([m.map(small[view])[view] for m in single for view in views], axis=0)
    growth = Growth(
        regrowth=lambda threshold: ENCODINGS.get("shrink").regrowth(threshold, SETTINGS),
        smallest_px2=SETTINGS.smallest * members[0].calibration.smallest_px2,
    )
    expected = find_objects(mean[..., 0], SETTINGS, growth)
    found = METHOD.ensemble(members).predict(image)
    assert np.sort(found.confidence) == pytest.approx(np.sort(expected.confidence), abs=1e-6)
    assert found.confidence != pytest.approx(members[0].predict(image).confidence[: len(found)], abs=1e-6)


def test_a_member_twice_is_that_member_and_the_order_of_two_is_free(members, sample_of):
    image = sample_of(7).load()
    one, other = members
    assert same(METHOD.ensemble([one, one]).predict(image), one.predict(image))
    assert same(METHOD.ensemble([one, other]).predict(image), METHOD.ensemble([other, one]).predict(image))


def test_a_saved_ensemble_is_loaded_from_its_members_folders(members, sample_of, tmp_path):
    whole = METHOD.ensemble(members)
    whole.save(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ensemble.json", "member-1", "member-2"]
    image = sample_of(7).load()
    assert same(load_detector(METHOD, tmp_path).predict(image), whole.predict(image))
    assert same(load_detector(METHOD, tmp_path / "member-2").predict(image), members[1].predict(image))


@pytest.mark.parametrize("card", [{"schema": "bmbench.ensemble/1"}, {"schema": "x", "members": 2}, []])
def test_a_card_that_is_none_is_refused(members, tmp_path, card):
    METHOD.ensemble(members).save(tmp_path)
    (tmp_path / "ensemble.json").write_text(json.dumps(card))
    with pytest.raises(BadInputError, match="not a saved ensemble of unet_shrink"):
        load_detector(METHOD, tmp_path)


def test_a_missing_member_is_refused_by_name(members, tmp_path):
    METHOD.ensemble(members).save(tmp_path)
    (tmp_path / "member-2" / "weights.safetensors").unlink()
    with pytest.raises(BadInputError, match=r"member-2.*not found"):
        load_detector(METHOD, tmp_path)


def test_networks_of_other_settings_are_no_ensemble(members):
    other = dataclasses.replace(members[1], settings=dataclasses.replace(SETTINGS, marker=0.5))
    with pytest.raises(BadInputError, match="not members of one ensemble"):
        METHOD.ensemble([members[0], other])


def test_seeds_of_members_differ_and_the_first_is_the_runs_own():
    seeds = [member_seed(seed, member) for seed in range(20) for member in range(5)]
    assert [member_seed(seed, 0) for seed in range(20)] == list(range(20))
    assert len(set(seeds)) == 100
