"""What files leave open or contradict: which image they are of, what a number means, what a name is."""

import json
import unicodedata
import zipfile

import numpy as np
import pytest
from PIL import Image

from bmbench.benchmark.scoring.score_files import read_pair
from bmbench.core.errors import BadInputError
from bmbench.core.types import Role
from bmbench.datasets.formats.recognise import read_any

from .folders import VOC, lay

LINE = "0 0.5 0.5 0.2 0.4\n"
BOX = [[16, 6, 24, 14]]
SQUARE = [[[16, 6], [24, 6], [24, 14], [16, 14], [16, 6]]]


def coco(name="a.png", image=None, categories=({"id": 1, "name": "WBC"},), **annotation):
    return json.dumps(
        {
            "images": [{"id": 1, "file_name": name, "width": 40, "height": 20} | (image or {})],
            "annotations": [
                {"id": 1, "image_id": 1, "category_id": 1, "bbox": [16, 6, 8, 8]} | annotation,
            ],
            "categories": list(categories),
        }
    )


def labelme(path="a.png"):
    shape = {"label": "WBC", "points": [[16, 6], [24, 14]], "shape_type": "rectangle"}
    return json.dumps({"imagePath": path, "imageHeight": 20, "imageWidth": 40, "shapes": [shape]})


def geojson(name="WBC"):
    return json.dumps(
        {
            "type": "Feature",
            "geometry": {"type": "Polygon", "coordinates": SQUARE},
            "properties": {"objectType": "annotation", "classification": {"name": name}},
        }
    )


def via(name="a.png"):
    region = {"shape_attributes": {"name": "rect", "x": 16, "y": 6, "width": 8, "height": 8}}
    return json.dumps({"k": {"filename": name, "size": 1, "regions": [region]}})


OF_AN_IMAGE = {
    "a.xml": VOC,
    "a.json": labelme(""),
    "a.geojson": geojson(),
    "a.txt": LINE,
}


@pytest.mark.parametrize("name", OF_AN_IMAGE)
def test_annotations_that_may_be_of_two_images_are_refused(tmp_path, name):
    lay(tmp_path, {"a.png": None, "a.jpg": None, name: OF_AN_IMAGE[name]})
    with pytest.raises(BadInputError, match=r"a\.jpg, a\.png"):
        read_any(tmp_path)


def test_a_row_that_may_mean_two_images_is_refused(tmp_path):
    lay(tmp_path, {"a.png": None, "a.jpg": None, "t.csv": "image,x,y\na,3,4\n"})
    with pytest.raises(BadInputError, match=r"a\.png, a\.jpg"):
        read_any(tmp_path)


@pytest.mark.parametrize("stated", ["b.png", "C:\\pictures\\b.png"])
def test_another_image_that_is_there_too_may_not_be_stated(tmp_path, stated):
    """Pictures were renamed after they were annotated: 2.png is what was 3.png."""
    lay(tmp_path, {"a.png": None, "b.png": None, "a.json": labelme(stated)})
    with pytest.raises(BadInputError, match=r"b\.png and a\.png"):
        read_any(tmp_path)
    (tmp_path / "a.png").unlink()
    assert [sample.name for sample in read_any(tmp_path).samples] == ["b.png"]


def test_of_namesakes_in_two_folders_that_of_the_own_folder_is_meant(tmp_path):
    files = {"images/a.png": None, "images/x/a.png": None, "annotations/x/a.json": labelme()}
    assert [s.name for s in read_any(lay(tmp_path, files)).samples] == ["x/a.png"]


@pytest.mark.parametrize(
    "stated",
    [
        "images\\a b.png",
        "images/a%20b.png",
        "https://host/x/a%20b.png?key=1",
        "../../media/upload/1/a b.png",
        "..\\..\\media\\a b.png",
        "/home/maker/set/a b.png",
        "C:\\set\\a b.png",
    ],
)
def test_names_as_other_systems_write_them(tmp_path, stated):
    files = {
        "coco": {"images/a b.png": None, "set.json": coco(stated)},
        "csv": {"images/a b.png": None, "set.csv": f"image,xmin,ymin,xmax,ymax\n{stated},16,6,24,14\n"},
        "via": {"images/a b.png": None, "set.json": via(stated)},
        "labelme": {"images/a b.png": None, "annotations/q.json": labelme(stated)},
    }
    for name, some in files.items():
        found = read_any(lay(tmp_path / name, some)).samples[0]
        assert found.annotations.box.tolist() == BOX
        assert found.file == tmp_path / name / "images" / "a b.png", name
        assert found.load().shape == (20, 40, 3)


def test_two_addresses_of_one_name_are_not_guessed(tmp_path):
    value = json.loads(coco("https://host/x/a.png"))
    value["images"].append({"id": 2, "file_name": "https://host/y/a.png", "width": 40, "height": 20})
    found = read_any(lay(tmp_path, {"a.png": None, "set.json": json.dumps(value)}))
    for sample in found.samples:
        with pytest.raises(BadInputError, match="not found"):
            sample.load()


@pytest.mark.parametrize("forms", [("NFC", "NFD"), ("NFD", "NFC")])
def test_accents_are_letters_or_signs_of_their_own(tmp_path, forms):
    """A Mac unpacks and packs names otherwise than Windows."""
    own, other = (unicodedata.normalize(form, "Fälle") for form in forms)
    for name, text in OF_AN_IMAGE.items():
        place = lay(tmp_path / name[2:], {f"{own}.png": None, f"{other}{name[1:]}": text})
        assert read_any(place).samples[0].annotations.box.tolist() == BOX, name
    place = lay(tmp_path / "coco", {f"{own}.png": None, "set.json": coco(f"{other}.png")})
    assert read_any(place).samples[0].load().shape == (20, 40, 3)


@pytest.mark.parametrize("name", ["a.xml", "a.json"])
def test_a_size_of_nothing_is_that_of_the_image(tmp_path, name):
    """labelImg wrote 0 × 0 for pictures that it could not measure."""
    nothing = {"<width>40": "<width>0", "<height>20": "<height>0", 'Width": 40': 'Width": 0'}
    text = OF_AN_IMAGE[name].replace('Height": 20', 'Height": 0')
    for old, new in nothing.items():
        text = text.replace(old, new)
    if name == "a.json":
        text = text.replace('"imageHeight": 0, "imageWidth": 0, ', "")
    found = read_any(lay(tmp_path, {"a.png": None, name: text})).samples[0]
    assert (found.width, found.height) == (40, 20)


def test_classes_that_count_from_1_are_refused_where_names_are_there(tmp_path):
    files = {
        "data.yaml": "names: [RBC, WBC]\n",
        "images/a.png": None,
        "labels/a.txt": f"2{LINE[1:]}1{LINE[1:]}",
    }
    with pytest.raises(BadInputError, match=r"0 to 1.*got 2"):
        read_any(lay(tmp_path, files))


@pytest.mark.parametrize(("shape", "behind"), [("[2, 3]", "0.4 0.5 2 0.6 0.5 1"), ("[3, 2]", "0.4 0.5 " * 3)])
def test_key_points_are_no_polygon(tmp_path, shape, behind):
    files = {
        "data.yaml": f"kpt_shape: {shape}\nnames: [WBC]\n",
        "images/a.png": None,
        "labels/a.txt": f"{LINE.strip()} {behind}\n",
    }
    own = read_any(lay(tmp_path, files)).samples[0].annotations
    assert (own.box.round(6).tolist(), own.contour) == (BOX, ((),))


def test_a_number_beyond_1_behind_a_shape_is_no_confidence(tmp_path):
    """Without ``kpt_shape`` a box with one key point looks like a triangle and a confidence of 2."""
    files = {"images/a.png": None, "labels/a.txt": f"{LINE.strip()} 0.4 0.5 2\n"}
    with pytest.raises(BadInputError, match="no confidence"):
        read_any(lay(tmp_path, files))


@pytest.mark.parametrize(
    "line", ["\ufeff0 0.5 0.5 0.2 0.4\n", "0.0 0.5 0.5 0.2 0.4\n", "0.000e+00 5e-1 5e-1 2e-1 4e-1\n"]
)
def test_labels_that_windows_and_numpy_write(tmp_path, line):
    found = read_any(lay(tmp_path, {"images/a.png": None, "labels/a.txt": line}))
    assert found.samples[0].annotations.box.round(6).tolist() == BOX


def test_text_in_16_bits_is_known_for_what_it_is(tmp_path):
    lay(tmp_path, {"a.png": None})
    (tmp_path / "a.xml").write_bytes(('<?xml version="1.0" encoding="utf-16"?>' + VOC).encode("utf-16"))
    assert read_any(tmp_path).samples[0].annotations.box.tolist() == BOX
    (tmp_path / "a.xml").unlink()
    (tmp_path / "set.json").write_bytes(coco().encode("utf-16"))
    with pytest.raises(BadInputError, match="not UTF-8"):
        read_any(tmp_path)


SHARES = {
    "set.json": coco(bbox=[0.4, 0.3, 0.2, 0.4]),
    "set.csv": "image,xmin,ymin,xmax,ymax\na.png,0.4,0.3,0.6,0.7\n",
    "points.csv": "image,x,y\na.png,0.4,0.3\na.png,0.6,0.7\na.png,0.1,0.2\n",
}


@pytest.mark.parametrize("name", SHARES)
def test_shares_of_the_sides_are_no_pixels(tmp_path, name):
    with pytest.raises(BadInputError, match="between 0 and 1"):
        read_any(lay(tmp_path, {"a.png": None, name: SHARES[name]}))


def test_a_point_in_the_first_pixel_is_one(tmp_path):
    found = read_any(lay(tmp_path, {"a.png": None, "set.csv": "image,x,y\na.png,0.5,0.5\n"}))
    assert found.samples[0].annotations.xy.tolist() == [[0.5, 0.5]]


STARRED = {
    "set.json": lambda name: coco(categories=[{"id": 1, "name": name}, {"id": 2, "name": "WBC"}]),
    "set.csv": lambda name: f"image,xmin,ymin,xmax,ymax,class\na.png,16,6,24,14,{name}\na.png,1,1,2,2,WBC\n",
    "a.xml": lambda name: VOC.replace("WBC", name),
}


@pytest.mark.parametrize("name", STARRED)
def test_classes_that_qupath_passes_over_mean_the_same_in_every_format(tmp_path, name):
    write = STARRED[name]
    region = read_any(lay(tmp_path / "r", {"a.png": None, name: write("Region*")}))
    assert BOX[0] not in region.samples[0].annotations.box.tolist()
    assert "Region*" not in [category.name for category in region.categories]
    assert [area.name for area in region.areas[region.samples[0].image_id]] == ["Region*"]
    assert any("class Region*" in note for note in region.notes)
    ignored = read_any(lay(tmp_path / "i", {"a.png": None, name: write("Ignore*")})).samples[0].annotations
    assert (ignored.role[0], ignored.region[0], ignored.box[0].tolist()) == (Role.IGNORE, True, BOX[0])
    asked = read_any(tmp_path / "r", choices={"cell": "Region*"}).samples[0].annotations
    assert asked.box[0].tolist() == BOX[0]
    assert asked.role[0] == Role.CELL


def test_a_picture_of_another_size_than_a_table_states_is_not_read(tmp_path):
    """TensorFlow's tables of corners have the image's sides beside them; a picture was turned since."""
    head = "filename,width,height,class,xmin,ymin,xmax,ymax\n"
    found = read_any(lay(tmp_path, {"a.png": None, "set.csv": f"{head}a.png,20,40,WBC,6,16,14,24\n"}))
    with pytest.raises(BadInputError, match="expected 20 × 40 px, got 40 × 20 px"):
        found.samples[0].load()
    (tmp_path / "set.csv").write_text(f"{head}a.png,8,8,WBC,16,6,24,14\n")
    assert read_any(tmp_path).samples[0].load().shape == (20, 40, 3)


@pytest.mark.parametrize("sides", ["width,height", "w,h"])
def test_corner_or_middle_is_not_guessed(tmp_path, sides):
    lay(tmp_path, {"a.png": None, "set.csv": f"image,x,y,{sides}\na.png,16,6,8,8\n"})
    with pytest.raises(BadInputError, match="--option left=x --option top=y"):
        read_any(tmp_path)
    named = dict(zip(("width", "height"), sides.split(","), strict=True))
    found = read_any(tmp_path, choices={"left": "x", "top": "y", **named})
    assert found.samples[0].annotations.box.tolist() == BOX


def test_rows_of_an_image_agree_on_its_group_and_subset(tmp_path):
    text = "image,x,y,group,split\na.png,1,1,P1,TRAIN\na.png,2,2,,\n"
    found = read_any(lay(tmp_path, {"a.png": None, "set.csv": text}))
    assert (found.samples[0].group, list(found.subsets.values())) == ("P1", ["train"])
    for row in ("P2,train", "P1,test"):
        (tmp_path / "set.csv").write_text(f"{text}a.png,3,3,{row}\n")
        with pytest.raises(BadInputError, match=r"line 4.*two values"):
            read_any(tmp_path)


def test_a_subset_that_means_nothing_is_named(tmp_path):
    found = read_any(lay(tmp_path, {"a.png": None, "set.csv": "image,x,y,split\na.png,1,1,fold 3\n"}))
    assert not found.subsets
    assert any("'fold 3' of 1 images" in note for note in found.notes)


@pytest.mark.parametrize("word", ["Valid", "VAL", "validation", "dev"])
def test_subsets_in_coco_have_any_case(tmp_path, word):
    found = read_any(lay(tmp_path, {"a.png": None, "set.json": coco(image={"split": word})}))
    assert list(found.subsets.values()) == ["validation"]


TEXTS = [
    ({"iscrowd": "false"}, {}, Role.CELL),
    ({"iscrowd": "1"}, {}, Role.IGNORE),
    ({"ignore": "True"}, {}, Role.IGNORE),
    ({"category_id": "1", "bbox": ["16", "6.0", "8", "8"], "area": "64"}, {}, Role.CELL),
    ({"image_id": "1"}, {"width": "40", "height": "20"}, Role.CELL),
    ({"image_id": 1}, {"id": "1"}, Role.CELL),
]


@pytest.mark.parametrize(("annotation", "image", "role"), TEXTS)
def test_numbers_that_are_texts_are_read_where_they_mean_one_thing(tmp_path, annotation, image, role):
    found = read_any(lay(tmp_path, {"a.png": None, "set.json": coco(image=image, **annotation)}))
    own = found.samples[0].annotations
    assert (own.box.tolist(), own.role.tolist()) == (BOX, [role])
    field = next(iter(annotation))
    assert any(note.startswith("texts read") and field in note for note in found.notes)


@pytest.mark.parametrize(
    "annotation",
    [
        {"iscrowd": ""},
        {"iscrowd": "no"},
        {"category_id": "01"},
        {"bbox": ["16,5", "6", "8", "8"]},
        {"area": "64 px"},
    ],
)
def test_other_texts_are_refused(tmp_path, annotation):
    with pytest.raises(BadInputError, match=rf"annotations\[0\]\.{next(iter(annotation))}"):
        read_any(lay(tmp_path, {"a.png": None, "set.json": coco(**annotation)}))


def test_an_angle_may_be_a_text(tmp_path):
    """8 × 4 px, turned by 90° about its middle (20, 8)."""
    text = coco(bbox=[16, 6, 8, 4], attributes={"rotation": "90"})
    found = read_any(lay(tmp_path, {"a.png": None, "set.json": text}))
    assert found.samples[0].annotations.box.round(6).tolist() == [[18, 4, 22, 12]]
    words = text.replace('"90"', '"steep"')
    found = read_any(lay(tmp_path, {"a.png": None, "set.json": words}))
    assert found.samples[0].annotations.box.tolist() == [[16, 6, 24, 10]]


def task(*results, image="a.png", **more):
    return {"data": {"image": image}, "annotations": [{"result": list(results)}]} | more


VALUE = {"x": 40, "y": 30, "width": 20, "height": 40, "rotation": 0}
SHAPE = {"id": "z", "type": "rectangle", "original_width": 40, "original_height": 20, "value": VALUE}


def studio(place, *tasks):
    lay(place, {"a.png": None, "b.png": None, "ä b.png": None})
    (place / "export.json").write_text(json.dumps(tasks))
    return read_any(place / "export.json")


def test_in_label_studio_a_shape_and_its_label_may_be_two_results(tmp_path):
    label = SHAPE | {"type": "labels", "value": VALUE | {"labels": ["WBC", "large"]}}
    found = studio(tmp_path, task(SHAPE, label))
    own = found.samples[0].annotations
    assert own.box.tolist() == BOX
    assert [c.name for c in found.categories] == ["WBC"]
    assert any("several labels" in note for note in found.notes)
    small = {
        "image": "b.png",
        "label": [{**VALUE, "labels": ["WBC"], "original_width": 40, "original_height": 20}],
    }
    assert studio(tmp_path, small).samples[0].annotations.box.tolist() == BOX


def test_a_label_studio_task_that_nobody_finished_says_nothing(tmp_path):
    whole = SHAPE | {"type": "rectanglelabels", "value": VALUE | {"rectanglelabels": ["WBC"]}}
    skipped = {"data": {"image": "b.png"}, "annotations": [{"result": [], "was_cancelled": True}]}
    found = studio(tmp_path, task(whole), skipped, {"data": {"image": "c.png"}, "annotations": []})
    assert [sample.name for sample in found.samples] == ["a.png"]
    assert "left out: 2 images without annotations (b.png, c.png)" in found.notes
    assert [len(s.annotations) for s in studio(tmp_path, task(whole), task(image="b.png")).samples] == [1, 0]


@pytest.mark.parametrize(
    ("second", "words"),
    [({"to_name": "image2"}, "several images"), ({"image_rotation": 90}, "turned in Label Studio")],
)
def test_what_label_studio_leaves_open_is_refused(tmp_path, second, words):
    whole = SHAPE | {"to_name": "image1", "value": VALUE | {"rectanglelabels": ["WBC"]}}
    with pytest.raises(BadInputError, match=words):
        studio(tmp_path, task(whole, whole | second))


@pytest.mark.parametrize(
    "image",
    [
        "/data/upload/1/0a1b2c3d-%C3%A4%20b.png",
        "/data/local-files/?d=set%2F%C3%A4%20b.png",
        "https://host/%C3%A4%20b.png?X-Sign=1&b=2",
    ],
)
def test_label_studio_names_images_by_addresses(tmp_path, image):
    found = studio(tmp_path, task(SHAPE, image=image))
    assert found.samples[0].file == tmp_path / "ä b.png"


def test_supervisely_shapes_of_other_kinds_are_left_out_and_named(tmp_path):
    kinds = {"graph": {"nodes": {}}, "alpha_mask": {"bitmap": {}}, "cuboid": {"faces": []}}
    objects = [{"classTitle": "x", "geometryType": kind, **more} for kind, more in kinds.items()]
    text = json.dumps({"size": {"width": 40, "height": 20}, "objects": objects})
    found = read_any(lay(tmp_path, {"img/a.png": None, "ann/a.png.json": text}))
    assert not len(found.samples[0].annotations)
    assert [note for kind in kinds for note in found.notes if kind in note] == list(found.notes)


def test_a_background_with_a_number_is_named(tmp_path):
    """OpenCV's watershed calls the background 1."""
    lay(tmp_path, {"images/a.png": None})
    labels = np.ones((20, 40), np.uint16)
    labels[6:14, 16:24] = 2
    (tmp_path / "labels").mkdir()
    Image.fromarray(labels).save(tmp_path / "labels" / "a.png")
    assert any("number 1, the background?" in note for note in read_any(tmp_path).notes)
    labels[labels == 1] = 0
    Image.fromarray(labels).save(tmp_path / "labels" / "a.png")
    assert not read_any(tmp_path).notes


def test_a_turned_picture_without_objects_can_lie_any_way(tmp_path):
    exif = Image.Exif()
    exif[274] = 6
    Image.new("RGB", (40, 20)).save(tmp_path / "a.jpg", exif=exif)
    value = json.loads(coco("a.jpg"))
    (tmp_path / "set.json").write_text(json.dumps(value | {"annotations": []}))
    (sample,) = read_any(tmp_path).samples
    assert (sample.width, sample.height) == (20, 40)
    assert sample.load().shape == (40, 20, 3)


@pytest.mark.parametrize(
    ("word", "ignored"), [("0", False), ("false", False), ("Unspecified", False), ("1", True), ("True", True)]
)
def test_difficult_in_words(tmp_path, word, ignored):
    text = VOC.replace("<bndbox>", f"<difficult>{word}</difficult><bndbox>")
    own = read_any(lay(tmp_path, {"a.png": None, "a.xml": text})).samples[0].annotations
    assert (own.role[0] == Role.IGNORE) == ignored
    (tmp_path / "a.xml").write_text(text.replace(f">{word}<", ">rather<"))
    with pytest.raises(BadInputError, match="object 1, difficult"):
        read_any(tmp_path)


def test_a_confidence_is_no_class_in_via(tmp_path):
    def found(**attributes):
        value = json.loads(via())
        value["k"]["regions"][0]["region_attributes"] = attributes
        return read_any(lay(tmp_path, {"a.png": None, "set.json": json.dumps(value)}))

    content = found(score="0.75", cell="WBC")
    assert [category.name for category in content.categories] == ["WBC"]
    assert content.confidence["a.png"].tolist() == [0.75]
    several = found(quality="good", cell="WBC")
    assert any("the attribute 'quality', of quality, cell" in note for note in several.notes)
    assert [category.name for category in found(quality="good", type="WBC").categories] == ["WBC"]
    with pytest.raises(BadInputError, match="not a confidence"):
        found(score="high")


@pytest.mark.parametrize("name", ["Ignore*", "ignore*"])
def test_ignored_regions_of_qupath_are_written_in_any_case(tmp_path, name):
    own = read_any(lay(tmp_path, {"a.png": None, "a.geojson": geojson(name)})).samples[0].annotations
    assert (own.role.tolist(), own.region.tolist()) == ([Role.IGNORE], [True])


def decimal_commas():
    corners = [("16,0", "6,0"), ("24", "6"), ("24,0", "14,0"), ("16", "14")]
    asap = "".join(f'<Coordinate Order="{n}" X="{x}" Y="{y}"/>' for n, (x, y) in enumerate(corners))
    aperio = "".join(f'<Vertex X="{x}" Y="{y}"/>' for x, y in corners)
    return {
        "asap": '<ASAP_Annotations><Annotations><Annotation Type="Polygon" PartOfGroup="WBC"><Coordinates>'
        f"{asap}</Coordinates></Annotation></Annotations></ASAP_Annotations>",
        "imagescope": f'<Annotations><Annotation Name="WBC"><Regions><Region Type="0"><Vertices>{aperio}'
        "</Vertices></Region></Regions></Annotation></Annotations>",
        "voc": VOC.replace("<xmin>17<", "<xmin>17,0<"),
        "yolo": "0 0,5 0,5 0,2 0,4\n",
    }


@pytest.mark.parametrize("name", decimal_commas())
def test_decimal_commas_of_a_german_computer(tmp_path, name):
    """ASAP and ImageScope write numbers as the system has them."""
    files = {"a.png": None, f"a.{'txt' if name == 'yolo' else 'xml'}": decimal_commas()[name]}
    own = read_any(lay(tmp_path, files)).samples[0].annotations
    assert own.box.round(6).tolist() == BOX


def test_an_ignored_region_makes_no_class(tmp_path):
    """LabelMe's `__ignore__` beside classes of cells; a class that is called cell is one."""

    def found(*labels):
        value = json.loads(labelme())
        (shape,) = value["shapes"]
        value["shapes"] = [shape | {"label": label} for label in labels]
        content = read_any(lay(tmp_path, {"a.png": None, "a.json": json.dumps(value)}))
        return [category.name for category in content.categories], content.samples[0].annotations

    names, own = found("__ignore__", "WBC", "RBC")
    assert names == ["WBC", "RBC"]
    assert own.role.tolist() == [Role.IGNORE, Role.CELL, Role.CELL]
    assert found("__ignore__", "WBC", "cell")[0] == ["cell", "WBC"]
    assert found("__ignore__")[0] == ["cell"]


@pytest.mark.parametrize("word", ["default", "fold 1"])
def test_a_coco_file_beside_a_folder_of_its_name(tmp_path, word):
    """CVAT and datumaro: annotations/instances_SUBSET.json, images/SUBSET."""
    files = {f"annotations/instances_{word}.json": coco(), f"images/{word}/a.png": None}
    (sample,) = read_any(lay(tmp_path, files)).samples
    assert sample.load().shape == (20, 40, 3)


def test_shares_are_no_pixels_in_answers_either(tmp_path):
    """A perfect detector of shares had an AP of 0."""
    truth, answers = tmp_path / "truth.json", tmp_path / "answers.json"
    truth.write_text(coco())
    found = [{"image_id": 1, "category_id": 1, "bbox": [0.4, 0.3, 0.2, 0.4], "score": s} for s in (0.9, 0.8)]
    answers.write_text(json.dumps(found))
    with pytest.raises(BadInputError, match=r"answers\.json.*between 0 and 1"):
        read_pair(answers, truth)


@pytest.mark.parametrize("name", ["Fa\u0308lle b", "F%C3%A4lle%20b.png", "sets\\Fälle b.png"])
def test_answers_name_images_as_other_systems_do(tmp_path, name):
    truth, answers = tmp_path / "truth.json", tmp_path / "answers.json"
    truth.write_text(coco("Fälle b.png"))
    answers.write_text(json.dumps([{"image_id": name, "category_id": 1, "bbox": [16, 6, 8, 8], "score": 1}]))
    assert len(read_pair(answers, truth)) == 2


def test_of_images_in_many_folders_the_stated_path_tells(tmp_path):
    images = {"images/P1/a.png": None, "images/P2/a.png": None}
    files = {f"annotations/{p}_a.json": labelme(f"../pictures/{p}/a.png") for p in ("P1", "P2")}
    assert [s.name for s in read_any(lay(tmp_path / "1", images | files)).samples] == ["P1/a.png", "P2/a.png"]
    lay(tmp_path / "2", images | {"annotations/x.json": labelme("a.png")})
    with pytest.raises(BadInputError, match=r"P1/a\.png, P2/a\.png"):
        read_any(tmp_path / "2")


@pytest.mark.parametrize("name", ["a_rois.zip", "a_RoiSet.zip", "a-ROI.zip"])
def test_rois_are_called_after_their_image(tmp_path, name):
    """Cellpose writes NAME_rois.zip."""
    roifile = pytest.importorskip("roifile", reason="the extra imagej reads ROIs")
    lay(tmp_path, {"a.png": None, "b.png": None})
    with zipfile.ZipFile(tmp_path / name, "w") as archive:
        archive.writestr("1.roi", roifile.ImagejRoi.frompoints(np.array(SQUARE[0][:4], float)).tobytes())
    (sample,) = read_any(tmp_path).samples
    assert (sample.name, sample.annotations.box.tolist()) == ("a.png", BOX)


def test_whole_corners_of_supervisely_are_pixels_for_a_whole_set(tmp_path):
    """Its SDK turns [16, 6], [23, 13] back into [16, 6], [24, 14], and [10, 10] of a polygon into 10.5."""

    def written(name, *shapes):
        objects = [
            {"classTitle": "WBC", "geometryType": kind, "points": {"exterior": points, "interior": []}}
            for kind, points in shapes
        ]
        text = json.dumps({"size": {"width": 40, "height": 20}, "objects": objects})
        return {f"img/{name}.png": None, f"ann/{name}.png.json": text}

    box, triangle = ("rectangle", [[16, 6], [23, 13]]), ("polygon", [[10, 10], [20, 10], [20, 15]])
    content = read_any(lay(tmp_path, written("a", box, triangle, ("point", [[3, 4]]))))
    own = content.samples[0].annotations
    assert own.box.tolist() == [BOX[0], [10.5, 10.5, 20.5, 15.5], [3.5, 4.5, 3.5, 4.5]]
    assert any("--option corners=edges" in note for note in content.notes)
    edges = read_any(tmp_path, choices={"corners": "edges"}).samples[0].annotations
    assert edges.box.tolist() == [[16, 6, 23, 13], [10, 10, 20, 15], [3, 4, 3, 4]]
    lay(tmp_path, written("b", ("polygon", [[1.5, 1], [9, 1], [9, 4]])))
    assert read_any(tmp_path).samples[0].annotations.box[0].tolist() == [16, 6, 23, 13]
