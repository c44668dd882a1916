"""Files of other programs that are not read: what they are, and the way to a format that is."""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherProgram:
    """A format that is not read.

    Attributes
    ----------
    title : str
        What a sentence calls a file of it.
    way : str
        How one comes from it to a format that is read.
    ending : str
        A regular expression of the end of its files' names, in small letters.
    content : bytes
        A regular expression of what stands in their first bytes; empty where the ending says it all.
    """

    title: str
    way: str
    ending: str
    content: bytes = b""


_DATUMARO = "convert it with datumaro: datum convert -if {} -f coco_instances, and name what it writes"
OTHERS = (
    OtherProgram(
        title="answers of CellViT, packed",
        way="run cellvit-inference without --compression",
        ending=r"\.json\.snappy|\.geojson\.snappy",
    ),
    OtherProgram(
        title="a pickle of TIAToolbox (joblib), which could run anything",
        way='write output_type="annotationstore" or "qupath"',
        ending=r"\.dat",
        content=rb"joblib|^\x80[\x02-\x05]|^x[\x01\x5e\x9c\xda]",
    ),
    OtherProgram(
        title="points of Grand Challenge (MONKEY, TIGER)",
        way="write them as CSV with image, x, y in pixels and score: the file does not say whether its "
        "numbers are pixels or millimetres",
        ending=r"\.json",
        content=rb'"type"\s*:\s*"(Multiple|Single) [Pp]oints?"|"points"\s*:\s*\[\s*\{[^}]*"point"\s*:\s*\[',
    ),
    OtherProgram(
        title="CreateML JSON",
        way=_DATUMARO.format("create_ml") + ", or export COCO, YOLO or VOC from the tool that made it",
        ending=r"\.json",
        content=rb'"coordinates"\s*:\s*\{[^}]*"(x|y|width|height)"',
    ),
    OtherProgram(
        title="a VoTT project",
        way="export it from VoTT as Pascal VOC or as CSV, both of which are read",
        ending=r"\.(json|vott)",
        content=rb'"(securityToken|lastVisitedAssetId|videoSettings)"',
    ),
    OtherProgram(
        title="a project of VIA 3",
        way="draw on single images with VIA 2, whose JSON is read, or write CSV with image, left, top, "
        "width, height and class",
        ending=r"\.json",
        content=rb'"project"\s*:\s*\{[^}]*"pid"\s*:',
    ),
    OtherProgram(
        title="Darwin V7 JSON",
        way="export it from V7 as COCO, or: darwin dataset convert DATASET coco",
        ending=r"\.json",
        content=rb'darwin_json|"slots"\s*:|"dataset_management_url"',
    ),
    OtherProgram(
        title="CVAT XML of a video",
        way="export the task from CVAT as 'CVAT for images 1.1' or as COCO",
        ending=r"\.xml",
        content=rb"<mode>interpolation</mode>|<track[ >]",
    ),
    OtherProgram(
        title="XML of TrackMate",
        way="export the table of spots from TrackMate as CSV, which is read with the names of its columns",
        ending=r"\.xml",
        content=rb"<TrackMate[ >]",
    ),
    OtherProgram(
        title="XML of LabelMe's old web tool",
        way=_DATUMARO.format("label_me"),
        ending=r"\.xml",
        content=rb"(?s)<annotation>.*(<polygon>|<sourceAnnotation>)",
    ),
    OtherProgram(
        title="a HistomicsUI (large_image) annotation",
        way="open it in HistomicsUI and export GeoJSON, which is read as qupath",
        ending=r"\.json",
        content=rb'"elements"\s*:\s*\[',
    ),
    OtherProgram(
        title="a Labelbox export",
        way="export it from Labelbox as COCO",
        ending=r"\.(nd)?json",
        content=rb'"data_row"\s*:|"Labeled Data"\s*:',
    ),
    OtherProgram(
        title="SuperAnnotate JSON",
        way="convert it with superannotate's export_annotation to COCO",
        ending=r"\.json",
        content=rb'"instances"\s*:\s*\[',
    ),
    OtherProgram(
        title="datumaro JSON",
        way=_DATUMARO.format("datumaro"),
        ending=r"\.json",
        content=rb'"items"\s*:\s*\[|"dm_format_version"',
    ),
    OtherProgram(
        title="a table of the Open Images set",
        way=_DATUMARO.format("open_images"),
        ending=r"\.csv",
        content=rb"^(\xef\xbb\xbf)?ImageID,",
    ),
    OtherProgram(
        title="a table of run-length masks (Kaggle)",
        way="write one 16-bit label image for each image, which is read as labels",
        ending=r"\.csv",
        content=rb"(?i)^(\xef\xbb\xbf)?(image_?id|id),[^\n]*(EncodedPixels|rle|annotation)",
    ),
    OtherProgram(
        title="a CSV of the VGG Image Annotator",
        way="export the annotations from VIA as JSON, which is read as via",
        ending=r"\.csv",
        content=rb"region_shape_attributes",
    ),
    OtherProgram(
        title="a MATLAB file",
        way="write the label image as 16-bit PNG or TIFF: in Python, scipy.io.loadmat(FILE)['inst_map']",
        ending=r"\.mat",
    ),
    OtherProgram(
        title="a TensorFlow record", way=_DATUMARO.format("tf_detection_api"), ending=r"\.tfrecord[s0-9-]*"
    ),
    OtherProgram(
        title="an HDF5 file", way="write label images or a CSV of points from it", ending=r"\.(h5|hdf5|ilp)"
    ),
    OtherProgram(
        title="a pickle, which may run any program when it is read",
        way="write the annotations in one of the formats of `bmbench datasets formats`",
        ending=r"\.(pkl|pickle|pt|pth)",
    ),
    OtherProgram(
        title="a project of QuPath",
        way="export from QuPath: File > Export objects as GeoJSON, one file an image",
        ending=r"\.(qpproj|qpdata)",
    ),
    OtherProgram(title="a spreadsheet", way="save it as CSV, which is read", ending=r"\.(xlsx|xls|ods)"),
    OtherProgram(
        title="Imaris or Icy objects",
        way="export the spots or ROIs as a CSV table with x and y",
        ending=r"\.(ims|xml)",
        content=rb"^\x89HDF|<root>\s*<roi>",
    ),
)


def other_program(name: str, head: bytes) -> OtherProgram | None:
    """The format that is known and not read, by a file's name and its first bytes; None for another one."""
    for other in OTHERS:
        if re.search(rf"{other.ending}$", name.lower()) and (
            not other.content or re.search(other.content, head)
        ):
            return other
    return None
