"""Splits with exact sizes, whole groups and no picture on two sides."""

import dataclasses
from functools import partial

import numpy as np
import pytest
from PIL import Image

from bmbench.core.dataset import SUBSETS
from bmbench.core.errors import BadInputError
from bmbench.core.progress import Silent
from bmbench.core.types import CELL, Annotations, Category, Sample
from bmbench.datasets.exchange.split_files import (
    SplitPlan,
    by_subset,
    check_split,
    parse_sizes,
    split_content,
    write_split,
)
from bmbench.datasets.exchange.weaken_files import weaken_content, write_beside
from bmbench.datasets.formats.coco.samples import read_coco
from bmbench.datasets.formats.codec import Content
from bmbench.datasets.reading.images import read_rgb

CATEGORIES = (CELL, Category(id=2, name="smudge", artefact=True))


def images(folder, count, groups):
    rng = np.random.default_rng(1)
    samples = []
    for number in range(count):
        path = folder / f"{number:02d}.png"
        Image.fromarray(rng.integers(0, 255, (12, 16, 3), np.uint8)).save(path)
        n = int(rng.integers(1, 6))
        xy = rng.uniform(2, 10, (n, 2))
        label = rng.integers(0, 2, n)
        annotations = Annotations.of(
            xy=xy, box=np.concatenate([xy - 2, xy + 2], axis=1), label=label, role=label.copy()
        )
        samples.append(
            Sample(
                image_id=number,
                name=path.name,
                width=16,
                height=12,
                group=f"g{number % groups}",
                annotations=annotations,
                load=partial(read_rgb, path),
                file=path,
            )
        )
    return Content(samples=tuple(samples), categories=CATEGORIES)


def sizes(content):
    return [len(part) for part in by_subset(content).values()]


def test_sizes_are_exact_and_the_seed_decides(tmp_path):
    content = images(tmp_path, 20, 20)
    plan = SplitPlan(sizes=(11, 3, 2, 4), by="image", seed=4)
    first = split_content(content, plan, Silent())
    assert sizes(first.content) == [11, 3, 2, 4]
    backwards = dataclasses.replace(content, samples=content.samples[::-1])
    assert split_content(backwards, plan, Silent()).content.subsets == first.content.subsets
    other = split_content(content, dataclasses.replace(plan, seed=5), Silent())
    assert other.content.subsets != first.content.subsets


def test_sizes_that_do_not_add_up_are_refused(tmp_path):
    content = images(tmp_path, 20, 20)
    with pytest.raises(BadInputError, match="sizes of 21 images for 20"):
        split_content(content, SplitPlan(sizes=(12, 3, 2, 4), by="image"), Silent())


@pytest.mark.parametrize(
    "text", ["", "1,2,3", "1,2,3,4,5", "a,b,c,d", "1,2,3,0", "1,2,3,-4", "nan,1,1,1", "inf,1,1,1"]
)
def test_no_sizes_are_a_typed_error(text):
    with pytest.raises(BadInputError, match="four numbers"):
        parse_sizes(text)


def test_groups_stay_whole_and_copies_follow_their_original(tmp_path):
    content = images(tmp_path, 24, 8)
    turned = np.rot90(content.samples[0].load(), 1)
    path = tmp_path / "copy.png"
    Image.fromarray(np.ascontiguousarray(turned)).save(path)
    copy = dataclasses.replace(
        content.samples[0],
        image_id="copy",
        name="copy.png",
        width=12,
        height=16,
        group="other",
        file=path,
        load=partial(read_rgb, path),
    )
    content = dataclasses.replace(content, samples=(*content.samples, copy))
    result = split_content(content, SplitPlan(), Silent())
    subset_of = result.content.subsets
    for group in range(8):
        assert len({subset_of[s.image_id] for s in content.samples if s.group == f"g{group}"}) == 1
    assert subset_of["copy"] == subset_of[0]
    assert result.notes == ("1 images are copies of others, or nearly, and stay with them",)


def test_a_split_that_leaks_is_refused_and_names_what_it_shares(tmp_path):
    content = images(tmp_path, 8, 8)
    path = tmp_path / "mirror.png"
    Image.fromarray(np.ascontiguousarray(content.samples[2].load()[:, ::-1])).save(path)
    mirror = dataclasses.replace(
        content.samples[2],
        image_id="m",
        name="mirror.png",
        group="m",
        file=path,
        load=partial(read_rgb, path),
    )
    subsets = {n: SUBSETS[n % 4] for n in range(8)} | {"m": "train"}
    leaky = dataclasses.replace(content, samples=(*content.samples, mirror), subsets=subsets)
    with pytest.raises(BadInputError) as caught:
        check_split(leaky, Silent(), "here")
    assert "02.png (optimisation)" in str(caught.value)
    assert "mirror.png (train)" in str(caught.value)
    groups = dataclasses.replace(
        content,
        subsets={n: SUBSETS[n % 4] for n in range(8)},
        samples=tuple(dataclasses.replace(s, group="one") for s in content.samples),
    )
    with pytest.raises(BadInputError, match="group one lies in train and in validation"):
        check_split(groups, Silent(), "here")
    apart = dataclasses.replace(content, subsets={n: SUBSETS[n % 4] for n in range(8)})
    assert [row.images for row in check_split(apart, Silent(), "here")] == [2, 2, 2, 2]


def test_too_few_groups_are_refused(tmp_path):
    with pytest.raises(BadInputError, match="3 groups cannot be split into 4"):
        split_content(images(tmp_path, 9, 3), SplitPlan(), Silent())


def test_the_written_split_is_read_with_its_images(tmp_path):
    content = images(tmp_path, 12, 12)
    result = split_content(content, SplitPlan(), Silent())
    (tmp_path / "splits").mkdir()
    write_split(tmp_path / "splits" / "s.json", result)
    # Its images lie in another folder than the file: the one that holds both is named by the user.
    with pytest.raises(BadInputError, match="leads out of the folder that was named"):
        read_coco(tmp_path / "splits" / "s.json").samples[0].load()
    again = read_coco(tmp_path / "splits" / "s.json", images=tmp_path)
    assert again.subsets == result.content.subsets
    assert [s.load().shape for s in again.samples] == [(12, 16, 3)] * 12
    with pytest.raises(BadInputError, match="exists"):
        write_split(tmp_path / "splits" / "s.json", result)


def test_weak_circles_of_a_whole_set(tmp_path):
    content = images(tmp_path, 5, 5)
    weak, jitter = weaken_content(content, seed=1)
    # 4 px boxes: the study's 3 px of jitter for 165 px, scaled.
    assert jitter == pytest.approx(3 * 4 / 165)
    for before, after in zip(content.samples, weak.samples, strict=True):
        assert (after.annotations.circle[:, 2] > 0).all()
        np.testing.assert_array_equal(before.annotations.role, after.annotations.role)
    write_beside(tmp_path / "weak.json", weak)
    assert read_coco(tmp_path / "weak.json").samples[0].load().shape == (12, 16, 3)


def test_points_need_a_radius_to_become_circles(tmp_path):
    content = images(tmp_path, 1, 1)
    one = content.samples[0]
    point = dataclasses.replace(
        one, annotations=Annotations.of(xy=np.array([[5, 5.0]]), box=np.array([[5, 5, 5, 5.0]]))
    )
    content = dataclasses.replace(content, samples=(point,))
    with pytest.raises(BadInputError, match="--radius-px"):
        weaken_content(content, seed=0)
    weak, _ = weaken_content(content, seed=0, jitter_px=0, radius_px=3)
    assert weak.samples[0].annotations.circle.tolist() == [[5, 5, 3]]
