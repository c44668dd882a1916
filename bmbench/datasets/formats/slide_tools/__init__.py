"""What people draw on whole slides with the programs of scanners and challenges; each is read.

::

    imagescope   Aperio ImageScope XML, which is written too
    asap         ASAP XML, which is written too
    dicom        DICOM annotations (ANN), in pixels of the instance that they name
    ndpa         Hamamatsu NDPA, in nanometres from the middle of the slide
"""
