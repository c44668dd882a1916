"""Tables of other programs, and of spreadsheets, by the columns that the user names."""

import pytest
from PIL import Image

from bmbench.core.errors import BadInputError, UnknownNameError
from bmbench.datasets.formats.recognise import read_any


@pytest.fixture
def place(tmp_path):
    for name in ("a", "b"):
        Image.new("RGB", (40, 20)).save(tmp_path / f"{name}.png")
    return tmp_path


def read(place, text, **choices):
    (place / "t.csv").write_text(text, encoding="utf-8")
    return read_any(place / "t.csv", choices=choices)


CELLPROFILER = """ImageNumber,ObjectNumber,AreaShape_Area,AreaShape_Center_X,AreaShape_Center_Y
1,1,50,9.5,4
2,1,50,3,3.25
"""


def test_cellprofiler_names_its_images_in_a_table_beside(place):
    (place / "Image.csv").write_text("ImageNumber,FileName_DNA\n1,a.png\n2,b.png\n")
    choices = {"x": "AreaShape_Center_X", "y": "AreaShape_Center_Y", "image": "ImageNumber", "radius": "4"}
    found = read(place, CELLPROFILER, **choices)
    assert [s.name for s in found.samples] == ["a.png", "b.png"]
    assert [s.annotations.circle.tolist() for s in found.samples] == [[[9.5, 4, 4]], [[3, 3.25, 4]]]
    assert any("--option column=AreaShape_Center_X --option row=AreaShape_Center_Y" in n for n in found.notes)


def test_cellprofiler_and_trackmate_count_from_the_middle_of_the_first_pixel(place):
    """Of an object in the pixels 2 to 4 CellProfiler says 3; its middle is at 3.5."""
    (place / "Image.csv").write_text("ImageNumber,FileName_DNA\n1,a.png\n2,b.png\n")
    choices = {"column": "AreaShape_Center_X", "row": "AreaShape_Center_Y", "image": "ImageNumber"}
    found = read(place, CELLPROFILER, **choices)
    assert [s.annotations.xy.tolist() for s in found.samples] == [[[10, 4.5]], [[3.5, 3.75]]]
    assert not any("middle of the first pixel" in note for note in found.notes)
    spots = "LABEL,POSITION_X,POSITION_Y\nLabel,X,Y\nLabel,X,Y\n,(µm),(µm)\nID1,2.5,1.25\n"
    found = read(place, spots, image="a.png", column="POSITION_X", row="POSITION_Y", um_per_px="0.25")
    assert found.samples[0].annotations.xy.tolist() == [[10.5, 5.5]]


def test_trackmate_has_four_lines_of_names_and_micrometres(place):
    text = (
        "LABEL,ID,POSITION_X,POSITION_Y,RADIUS\nLabel,Spot ID,X,Y,Radius\nLabel,Spot ID,X,Y,R\n"
        ",,(µm),(µm),(µm)\nID1,1,2.5,1.25,1\n"
    )
    found = read(
        place, text, image="a.png", x="POSITION_X", y="POSITION_Y", radius="RADIUS", um_per_px="0.25"
    )
    assert found.samples[0].annotations.circle.tolist() == [[10, 5, 4]]


def test_qupath_measures_micrometres_too(place):
    text = "Image\tName\tClass\tCentroid X µm\tCentroid Y µm\na.png\tCell\tTumor\t5.0\t2,5\n"
    found = read(place, text, x="Centroid X µm", y="Centroid Y µm", um_per_px="0.5")
    assert found.samples[0].annotations.xy.tolist() == [[10, 5]]
    assert [c.name for c in found.categories] == ["Tumor"]


def test_imagej_results_without_a_column_of_images(place):
    found = read(place, " ,Area,Mean,X,Y\n1,20,100,7.5,8.5\n2,20,90,1,2\n", image="b.png")
    assert found.samples[0].annotations.xy.tolist() == [[7.5, 8.5], [1, 2]]


@pytest.mark.parametrize(
    "text",
    [
        "image;x;y;radius\na.png;1,5;2,25;3\n",
        "image\tx\ty\tradius\na.png\t1,5\t2,25\t3\n",
        "sep=;\nimage;x;y;radius\na.png;1,5;2,25;3,0;\n",
        "\ufeffimage;x;y;radius\r\na.png;1,5;2,25;3\r\n\r\n",
        'image,x,y,radius\n"a.png","1.5","2.25","3"\n',
    ],
)
def test_spreadsheets_of_any_country(place, text):
    assert read(place, text).samples[0].annotations.circle.tolist() == [[1.5, 2.25, 3]]


@pytest.mark.parametrize(
    "text",
    [
        "image,xmin,ymin,xmax,ymax,label\na.png,6.5,3,10,15,WBC\n",
        '"filename","width","height","class","xmin","ymin","xmax","ymax"\n"a.png",40,20,"WBC",6.5,3,10,15\n',
        "image,left,top,width,height,category\na.png,6.5,3,3.5,12,WBC\n",
    ],
)
def test_boxes(place, text):
    found = read(place, text)
    assert found.samples[0].annotations.box.tolist() == [[6.5, 3, 10, 15]]
    assert [c.name for c in found.categories] == ["WBC"]


@pytest.mark.parametrize(
    ("text", "choices", "what"),
    [
        (CELLPROFILER, {}, "CellProfiler.*--option image=ImageNumber --option column=AreaShape_Center_X"),
        ("Image,Centroid X µm,Centroid Y µm\n", {}, "QuPath.*--option x='Centroid X µm'.*um_per_px"),
        ("A,POSITION_X,POSITION_Y\n", {}, "TrackMate.*POSITION_X"),
        ("a;b;c\n", {}, "columns missing.*separated by semicolons"),
        ("image,x,y\na.png,1,2\n", {"x": "nix"}, "no column 'nix' for x.*got image, x, y"),
        ("image,x,y\na.png,1,2\n", {"radius": "wide"}, "no column 'wide' for radius"),
        ("image,x,y\na.png,one,2\n", {}, "line 2: not a number"),
        ("image,x,y\na.png,1,2,3\n", {}, "line 2: more cells than columns"),
        ("image,x,y\na.png,1,2\n", {"um_per_px": "0"}, "um_per_px=0"),
        ("image,x,y\nz.png,1,2\n", {}, "z.png: file not found"),
    ],
)
def test_what_is_missing_is_said_with_the_options_to_type(place, text, choices, what):
    with pytest.raises(BadInputError, match=what):
        read(place, text, **choices)


def test_an_option_that_tables_do_not_have_is_refused(place):
    with pytest.raises(UnknownNameError, match="colour"):
        read(place, "image,x,y\na.png,1,2\n", colour="red")


def test_cellprofiler_names_pictures_that_are_no_images_before_them(place):
    """As in a real table: outlines and illumination first, then the channels, one of which is there."""
    (place / "Image.csv").write_text(
        "ImageNumber,FileName_CellOutlines,FileName_IllumDNA,FileName_OrigAGP,FileName_OrigDNA\n"
        "1,a--outlines.png,illum.npy,agp.png,a.png\n2,b--outlines.png,illum.npy,agb.png,b.png\n"
    )
    options = {"x": "AreaShape_Center_X", "y": "AreaShape_Center_Y", "image": "ImageNumber"}
    assert read(place, CELLPROFILER, **options).samples[0].name == "a.png"
    Image.new("RGB", (40, 20)).save(place / "a--outlines.png")
    assert read(place, CELLPROFILER, **options).samples[0].name == "a.png"


def test_of_several_tables_one_has_to_be_named(place):
    for name in ("Cells.csv", "Nuclei.csv"):
        (place / name).write_text("image,x,y\na.png,1,2\n")
    with pytest.raises(BadInputError, match=r"2 tables.*Cells.csv, Nuclei.csv.*name the one"):
        read_any(place)


def test_points_of_grand_challenge_are_called_so(tmp_path):
    (tmp_path / "a.json").write_text(
        '{"type": "Multiple points", "points": [{"name": "p", "point": [1, 2, 0]}]}'
    )
    with pytest.raises(BadInputError, match=r"points of Grand Challenge.*pixels or millimetres"):
        read_any(tmp_path / "a.json")
