"""What people draw on whole slides with the programs of scanners and challenges; each is read.

::

    imagescope   Aperio ImageScope XML, which is written too
    asap         ASAP XML, which is written too
    ndpa         Hamamatsu NDPA, in nanometres from the middle of the slide
"""
