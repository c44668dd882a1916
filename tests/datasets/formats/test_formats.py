"""Every format: what it promises to carry comes back, what it cannot is counted, damage is a typed error."""

import contextlib
import dataclasses
import json
from functools import partial

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from bmbench.core.errors import BadInputError, RunFailedError
from bmbench.core.geometry import circle_box, rings_box
from bmbench.core.progress import Silent
from bmbench.core.types import Annotations, Category, Role, Sample
from bmbench.datasets.exchange.conversion_losses import facts_lost
from bmbench.datasets.exchange.convert import convert
from bmbench.datasets.formats import FORMATS
from bmbench.datasets.formats.annotation_folder import write_folder
from bmbench.datasets.formats.codec import Content, Fact
from bmbench.datasets.formats.recognise import read_any, sniff
from bmbench.datasets.reading.images import read_rgb

WRITTEN = [name for name in FORMATS.names() if FORMATS.get(name).write is not None]

CATEGORIES = (
    Category(id=3, name="WBC"),
    Category(id=5, name="smudge: «dark», \"big\" & 'old'", artefact=True),
    Category(id=9, name="cell, other"),
)
SIZE = (120, 90)
RING = np.array([[10.25, 12.5], [30.5, 11], [28.125, 33.75]])
OUTER = np.array([[40, 40], [70, 40], [70, 70], [40, 70.0]])
HOLE = np.array([[50, 50], [50, 60], [60, 60], [60, 50.0]])
APART = np.array([[80, 40], [90, 40], [90, 50.5], [80, 50.5]])


def the_object(fact, label=0):
    """One object that needs exactly this fact to be carried."""
    rings, circle, box, xy, ignore, region = (), np.zeros(3), np.array([5, 6, 25, 16.5]), None, False, False
    if fact in (Fact.OUTLINE, Fact.CENTRE):
        rings = (RING,)
    if fact == Fact.RINGS:
        rings = (OUTER, HOLE, APART)
    if rings:
        box = rings_box(rings)
    if fact == Fact.CIRCLE:
        circle = np.array([60.125, 40.5, 12.25])
        box = circle_box(circle[None])[0]
    if fact == Fact.BOX:
        circle, box = np.array([60.125, 40.5, 12.25]), np.array([50, 30, 80, 60.0])
    if fact == Fact.POINT:
        box = np.array([7.5, 8.25, 7.5, 8.25])
    if fact == Fact.CENTRE:
        xy = np.array([20.0, 20.0])
    ignore, region = fact in (Fact.IGNORE, Fact.REGION), fact == Fact.REGION
    if xy is None:
        xy = circle[:2] if circle[2] else (box[:2] + box[2:]) / 2
    role = Role.IGNORE if ignore else Role.ARTEFACT if CATEGORIES[label].artefact else Role.CELL
    return Annotations.of(
        xy=xy[None], box=box[None], circle=circle[None], contour=(rings,), label=np.array([label]),
        role=np.array([int(role)]), region=np.array([region]),
    )  # fmt: skip


def sample(folder, annotations, name="a.png", **facts):
    path = folder / "pictures" / name
    path.parent.mkdir(exist_ok=True)
    if not path.exists():
        Image.new("RGB", SIZE, (250, 240, 245)).save(path)
    return Sample(
        image_id=facts.pop("image_id", name), name=name, width=SIZE[0], height=SIZE[1],
        group=facts.pop("group", name), annotations=annotations,
        load=partial(read_rgb, path, SIZE), file=path, **facts,
    )  # fmt: skip


def trip(folder, content, name):
    """The set written in a format and read again, and what was lost."""
    codec, out = FORMATS.get(name), folder / "out"
    left = write_folder(out, content, codec)
    after = codec.read(out, folder / "pictures")
    return after, facts_lost(content, after, left), left


@pytest.mark.parametrize("name", WRITTEN)
@pytest.mark.parametrize("fact", [None, *Fact])
def test_what_a_format_promises_comes_back_and_nothing_else_goes_uncounted(tmp_path, name, fact):
    annotations = the_object(fact, label=1 if fact == Fact.CLASS else 0)
    if fact is None or fact == Fact.CLASS:
        annotations = dataclasses.replace(
            annotations, contour=((OUTER,),), box=rings_box((OUTER,))[None], xy=np.array([[55, 55.0]])
        )
    content = Content(
        samples=(sample(tmp_path, annotations), sample(tmp_path, Annotations.empty(), "empty.png")),
        categories=CATEGORIES,
    )
    carried = fact in FORMATS.get(name).carries
    after, lost, left = trip(tmp_path, content, name)
    assert len(after.samples) == 2
    if fact is None:
        return
    if carried:
        assert not left
        assert lost[fact] == 0
    else:
        assert left or lost, "lost and not counted"


@pytest.mark.parametrize("name", WRITTEN)
def test_a_second_trip_changes_nothing(tmp_path, name):
    objects = [the_object(fact, label) for fact in Fact for label in (0, 1)]
    content = Content(samples=(sample(tmp_path, _together(objects)),), categories=CATEGORIES)
    once, _, _ = trip(tmp_path, content, name)
    out = tmp_path / "again"
    codec = FORMATS.get(name)
    left = write_folder(out, once, codec)
    assert left == []
    assert not facts_lost(once, codec.read(out, tmp_path / "pictures"), left)


@pytest.mark.parametrize("name", WRITTEN)
def test_what_is_known_of_an_image_and_a_class_stays_in_a_folder(tmp_path, name):
    one = sample(
        tmp_path, the_object(Fact.CIRCLE), "deep.er.png", image_id=17, group="patient 1", um_per_px=0.25
    )
    content = Content(
        samples=(one, sample(tmp_path, Annotations.empty(), "b.png", group="patient 2")),
        categories=CATEGORIES,
        subsets={17: "optimisation", "b.png": "test"},
    )
    after, lost, _ = trip(tmp_path, content, name)
    if FORMATS.get(name).layout == "image" or name == "coco":
        # Label images know no class: their objects get one of their own.
        assert after.categories[:3] == CATEGORIES
        assert (len(after.categories) > 3) == (name == "labels")
        assert [(s.image_id, s.group, s.um_per_px) for s in after.samples] == [
            (17, "patient 1", 0.25),
            ("b.png", "patient 2", None),
        ]
        assert after.subsets == content.subsets
        assert not any(
            isinstance(fact, str) and "lose" in fact for fact in lost if not isinstance(fact, Fact)
        )
    elif name == "csv":
        assert lost["lose their pixel size"] == 1
        assert lost["lose their subset"] == 0
    else:
        assert lost["lose their group"] == 2


COORDINATE = st.integers(0, 80_000).map(lambda value: value / 1000)


@st.composite
def annotations_for(draw, facts):
    """Objects of the kinds that a format carries (boxes always)."""
    kinds = [fact for fact in (Fact.OUTLINE, Fact.CIRCLE, Fact.POINT) if fact in facts] + ["box"]
    objects = []
    for kind in draw(st.lists(st.sampled_from(kinds), max_size=6)):
        label = draw(st.integers(0, 2))
        x, y = draw(COORDINATE), draw(COORDINATE)
        shape = the_object(None, label)
        if kind == Fact.CIRCLE:
            circle = np.array([[x, y, draw(st.integers(1500, 30_000)) / 1000]])
            shape = dataclasses.replace(shape, circle=circle, box=circle_box(circle), xy=circle[:, :2])
        elif kind == Fact.POINT:
            shape = dataclasses.replace(shape, box=np.array([[x, y, x, y]]), xy=np.array([[x, y]]))
        else:
            w, h = draw(st.integers(1100, 9000)) / 1000, draw(st.integers(1100, 9000)) / 1000
            box = np.array([[x, y, x + w, y + h]])
            shape = dataclasses.replace(shape, box=box, xy=(box[:, :2] + box[:, 2:]) / 2)
            if kind == Fact.OUTLINE:
                ring = np.array([[x, y], [x + w, y + h / 3], [x + w / 2, y + h]])
                shape = dataclasses.replace(shape, contour=((ring,),))
        if Fact.IGNORE in facts and draw(st.booleans()):
            shape = dataclasses.replace(shape, role=np.array([int(Role.IGNORE)]))
        objects.append(shape)
    return _together(objects)


@pytest.mark.parametrize("name", [name for name in WRITTEN if name not in ("labels", "yolo-seg", "csv")])
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_the_round_trip_is_the_identity(tmp_path_factory, name, data):
    folder = tmp_path_factory.mktemp("trip")
    annotations = data.draw(annotations_for(FORMATS.get(name).carries))
    content = Content(samples=(sample(folder, annotations),), categories=CATEGORIES)
    after, lost, left = trip(folder, content, name)
    assert not lost
    assert not left
    there = after.samples[0].annotations
    for column in ("xy", "box", "circle"):
        np.testing.assert_allclose(
            getattr(there, column), getattr(annotations, column), atol=2e-5, err_msg=column
        )
    np.testing.assert_array_equal(there.role, annotations.role)


@pytest.mark.parametrize("name", WRITTEN)
def test_a_converted_folder_is_recognised(tmp_path, name):
    ring = the_object(Fact.OUTLINE)
    content = Content(
        samples=(sample(tmp_path, ring), sample(tmp_path, ring, "b.png")), categories=CATEGORIES
    )
    out = tmp_path / "set"
    result = convert(content, out, to=name, progress=Silent())
    assert (result.images, result.objects) == (2, 2)
    # Boxes and polygons of YOLO are read by one reader.
    assert sniff(out) == name.removesuffix("-seg")
    again = read_any(out)
    assert [len(s.annotations) for s in again.samples] == [1, 1]
    assert again.samples[0].load().shape == (90, 120, 3)
    assert bool(result.warnings) == (not {Fact.OUTLINE, Fact.CLASS} <= FORMATS.get(name).carries)


def test_warnings_name_what_is_lost_and_how_often(tmp_path):
    objects = _together([the_object(Fact.OUTLINE), the_object(Fact.CIRCLE), the_object(Fact.IGNORE)])
    content = Content(samples=(sample(tmp_path, objects),), categories=CATEGORIES)
    result = convert(content, tmp_path / "out", to="yolo", progress=Silent())
    assert result.objects == 2
    assert result.warnings == (
        "yolo cannot carry everything: 1 objects left out: ignored object",
        "yolo cannot carry everything: 1 objects lose their outline or keep a coarser one",
        "yolo cannot carry everything: 1 objects lose their circle",
    )


def test_holes_that_other_readers_of_coco_fill_are_named(tmp_path):
    exact = the_object(Fact.RINGS)
    exact = dataclasses.replace(exact, contour=(exact.contour[0][:2],), box=rings_box((OUTER,))[None])
    between = dataclasses.replace(exact, contour=((OUTER, HOLE + 0.25),))
    for objects, lines in ((exact, 0), (between, 1), (the_object(Fact.OUTLINE), 0)):
        content = Content(samples=(sample(tmp_path, objects),), categories=CATEGORIES)
        result = convert(content, tmp_path / f"{len(list(tmp_path.iterdir()))}", to="coco", progress=Silent())
        assert len(result.warnings) == lines, result.warnings
        assert all("1 objects have holes between pixels" in line for line in result.warnings)


def test_a_box_that_becomes_an_outline_is_named(tmp_path):
    content = Content(samples=(sample(tmp_path, the_object(None)),), categories=CATEGORIES)
    result = convert(content, tmp_path / "out", to="yolo-seg", progress=Silent())
    assert result.warnings == ("yolo-seg cannot carry everything: 1 objects get an outline that nobody drew",)


def test_an_existing_target_is_never_touched(tmp_path):
    content = Content(samples=(), categories=CATEGORIES)
    with pytest.raises(BadInputError, match="exists"):
        convert(content, tmp_path, to="coco", progress=Silent())


def test_a_place_that_can_be_no_folder_is_a_run_failure(tmp_path):
    (tmp_path / "file").write_text("")
    content = Content(samples=(), categories=CATEGORIES)
    with pytest.raises(RunFailedError, match=r"file/deep: cannot be written \(Not a directory\)"):
        convert(content, tmp_path / "file/deep/out", to="coco", progress=Silent())


@pytest.mark.parametrize("name", ["../evil.png", "/etc/evil.png", "a/../../evil.png", "c:\\evil.png"])
def test_no_image_name_leads_out_of_the_folder(tmp_path, name):
    one = dataclasses.replace(sample(tmp_path, Annotations.empty()), name=name)
    with pytest.raises(BadInputError, match="leads out"):
        convert(Content(samples=(one,), categories=CATEGORIES), tmp_path / "out", to="voc", progress=Silent())
    assert not (tmp_path / "out").exists()
    assert list(tmp_path.iterdir()) == [tmp_path / "pictures"]


def _together(objects):
    if not objects:
        return Annotations.empty()
    columns = ("xy", "box", "circle", "label", "role", "region")
    return Annotations(
        contour=tuple(rings for o in objects for rings in o.contour),
        **{column: np.concatenate([getattr(o, column) for o in objects]) for column in columns},
    )


def _files(folder, name):
    """One annotation file of each format, and how to read it again."""
    annotations = _together([the_object(fact, n % 2) for n, fact in enumerate(Fact)])
    content = Content(samples=(sample(folder, annotations),), categories=CATEGORIES)
    write_folder(folder / "out", content, FORMATS.get(name))
    file = folder / "out" / FORMATS.get(name).folder
    return next(p for p in sorted(file.rglob("*")) if p.is_file()) if file.is_dir() else file


TOKENS = [
    b"",
    b"-1",
    b"1e999",
    b"NaN",
    b"null",
    b"[[",
    b"{",
    b"<x>",
    b"\xff\xfe",
    b"999999999999",
    b'"',
    b"0",
    b";",
    b",",
]


@pytest.mark.parametrize("name", WRITTEN)
@settings(max_examples=60, deadline=2000, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damage_is_a_typed_error(tmp_path_factory, name, data):
    folder = tmp_path_factory.mktemp("fuzz")
    file = _files(folder, name)
    good = file.read_bytes()
    damaged = bytearray(good)
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(damaged)))
        length = data.draw(st.integers(0, 40))
        piece = data.draw(st.sampled_from(TOKENS) | st.binary(max_size=8))
        damaged[start : start + length] = piece
    if data.draw(st.booleans()):
        damaged = damaged[: data.draw(st.integers(0, len(damaged)))]
    file.write_bytes(bytes(damaged))
    with contextlib.suppress(BadInputError):
        content = FORMATS.get(name).read(folder / "out", folder / "pictures")
        for one in content.samples:
            assert np.isfinite(one.annotations.box).all()


@pytest.mark.parametrize("name", WRITTEN)
@settings(max_examples=40, deadline=2000, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.binary(max_size=300))
def test_any_bytes_at_all_are_a_typed_error(tmp_path_factory, name, text):
    folder = tmp_path_factory.mktemp("bytes")
    file = _files(folder, name)
    file.write_bytes(text)
    with contextlib.suppress(BadInputError):
        FORMATS.get(name).read(folder / "out", folder / "pictures")


ODD = [
    None,
    True,
    -1,
    0,
    1e300,
    10**400,
    "",
    "x",
    [],
    {},
    [[]],
    [None],
    [[1, 2]],
    {"a": 1},
    "NaN",
    [[[0, 0]]],
    "../x",
]


def _places(value, path=()):
    """The path to every value inside a JSON value."""
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in inner:
        yield from _places(part, (*path, key))


@pytest.mark.parametrize("name", ["coco", "qupath", "labelme"])
@settings(max_examples=80, deadline=2000, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_json_with_another_value_anywhere_is_read_or_a_typed_error(tmp_path_factory, name, data):
    folder = tmp_path_factory.mktemp("odd")
    file = _files(folder, name)
    value = json.loads(file.read_text())
    path = data.draw(st.sampled_from([place for place in _places(value) if place]))
    inside = value
    for key in path[:-1]:
        inside = inside[key]
    inside[path[-1]] = data.draw(st.sampled_from(ODD))
    file.write_text(json.dumps(value))
    with contextlib.suppress(BadInputError):
        FORMATS.get(name).read(folder / "out", folder / "pictures")


def test_names_that_spreadsheets_compute_are_written_as_texts_and_come_back(tmp_path):
    """A class or an image may be called as a formula; negative coordinates stay numbers."""
    formula = '=HYPERLINK("http://127.0.0.1/?"&A1;"look")'
    categories = (Category(id=1, name=formula), Category(id=2, name="@SUM(A1)"))
    objects = [dataclasses.replace(the_object(Fact.CIRCLE), label=np.array([label])) for label in (0, 1)]
    outside = Annotations.of(xy=np.array([[-3.5, 4]]), box=np.array([[-3.5, 4, -3.5, 4]]))
    content = Content(
        samples=tuple(
            sample(tmp_path, _together([*objects, outside]), name, group=group)
            for name, group in (("+1.png", "-patient"), ("-1.png", "'=patient"))
        ),
        categories=categories,
    )
    after, lost, _ = trip(tmp_path, content, "csv")
    assert [one.name for one in after.categories] == [one.name for one in categories]
    assert [(one.name, one.group) for one in after.samples] == [
        ("+1.png", "-patient"),
        ("-1.png", "'=patient"),
    ]
    assert not any(lost.values())
    text = (tmp_path / "out" / "annotations.csv").read_text()
    assert "\n'+1.png,-3.5,4," in text
    assert not any(cell.strip('"').startswith(("=", "@", "+")) for cell in text.replace("\n", ",").split(","))
