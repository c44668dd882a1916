"""A small DICOM slide, written tag by tag."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

from PIL import Image

from bmbench.core.types import Pixels

TILE = 128
OF_A_DEVICE = {
    "instance_number": 1,
    "manufacturer": "a",
    "manufacturer_model_name": "b",
    "software_versions": "1",
    "device_serial_number": "1",
}
"""What highdicom asks of every file that a test writes with it."""


def write_dicom_slide(  # noqa: PLR0915
    folder: Path, levels: list[Pixels], um_per_px: float, patient: str = "1"
) -> None:
    """One file a level, JPEG tiles in rows (DICOM PS3.3, A.32.8, TILED_FULL)."""
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.encaps import encapsulate
    from pydicom.uid import JPEGBaseline8Bit, generate_uid

    study, series, frame = (
        generate_uid(entropy_srcs=[patient, name]) for name in ("study", "series", "frame")
    )
    folder.mkdir(parents=True)
    for number, level in enumerate(levels):
        height, width = level.shape[:2]
        tiles = [
            _tile(level[y : y + TILE, x : x + TILE])
            for y in range(0, height, TILE)
            for x in range(0, width, TILE)
        ]
        spacing = um_per_px / 1000 * levels[0].shape[1] / width
        data = Dataset()
        data.SOPClassUID = "1.2.840.10008.5.1.4.1.1.77.1.6"
        data.SOPInstanceUID = generate_uid(entropy_srcs=[patient, "instance", str(number)])
        data.StudyInstanceUID, data.SeriesInstanceUID, data.FrameOfReferenceUID = study, series, frame
        data.Modality, data.Manufacturer, data.ManufacturerModelName = "SM", "none", "none"
        data.DeviceSerialNumber, data.SoftwareVersions = "1", "1"
        data.PatientName, data.PatientID, data.StudyID, data.SeriesNumber = "A^B", patient, "1", 1
        data.PatientBirthDate = data.PatientSex = data.AccessionNumber = ""
        data.StudyDate = data.ContentDate = "20200101"
        data.StudyTime = data.ContentTime = "000000"
        data.AcquisitionDateTime = "20200101000000"
        data.InstanceNumber = number + 1
        data.ImageType = ["ORIGINAL" if number == 0 else "DERIVED", "PRIMARY", "VOLUME", "NONE"]
        if number:
            data.ImageType[3] = "RESAMPLED"
        data.SamplesPerPixel, data.PhotometricInterpretation, data.PlanarConfiguration = 3, "YBR_FULL_422", 0
        data.BitsAllocated = data.BitsStored = 8
        data.HighBit, data.PixelRepresentation = 7, 0
        data.Rows = data.Columns = TILE
        data.TotalPixelMatrixColumns, data.TotalPixelMatrixRows = width, height
        data.TotalPixelMatrixFocalPlanes = 1
        data.NumberOfFrames = len(tiles)
        data.DimensionOrganizationType = "TILED_FULL"
        data.ImagedVolumeWidth, data.ImagedVolumeHeight = width * spacing, height * spacing
        data.ImagedVolumeDepth = 0.001
        data.ImageOrientationSlide = [0, -1, 0, -1, 0, 0]
        data.FocusMethod, data.ExtendedDepthOfField, data.SpecimenLabelInImage = "AUTO", "NO", "NO"
        data.BurnedInAnnotation, data.VolumetricProperties = "NO", "VOLUME"
        data.LossyImageCompression, data.ContainerIdentifier = "01", "c"
        origin = Dataset()
        origin.XOffsetInSlideCoordinateSystem, origin.YOffsetInSlideCoordinateSystem = 0.0, 0.0
        data.TotalPixelMatrixOriginSequence = [origin]
        measures, shared = Dataset(), Dataset()
        measures.PixelSpacing, measures.SliceThickness = [spacing, spacing], 0.001
        shared.PixelMeasuresSequence = [measures]
        data.SharedFunctionalGroupsSequence = [shared]
        path, light = Dataset(), Dataset()
        light.CodeValue, light.CodingSchemeDesignator = "111744", "DCM"
        light.CodeMeaning = "Brightfield illumination"
        path.OpticalPathIdentifier, path.IlluminationTypeCodeSequence = "1", [light]
        data.NumberOfOpticalPaths, data.OpticalPathSequence = 1, [path]
        data.PixelData = encapsulate(tiles, has_bot=True)
        data["PixelData"].is_undefined_length = True
        data.file_meta = FileMetaDataset()
        data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID
        data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
        data.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
        data.save_as(folder / f"{number}.dcm", enforce_file_format=True)


def _tile(pixels: Pixels) -> bytes:
    whole = Image.new("RGB", (TILE, TILE), (255, 255, 255))
    whole.paste(Image.fromarray(pixels))
    file = BytesIO()
    whole.save(file, format="JPEG", quality=95, subsampling="4:2:2")
    return file.getvalue()
