"""What every layer shares.

::

    types           the records of one image and of a whole set, as columns
    errors          what a user can repair, in one sentence
    misfits         what does not fit a type, in plain words
    gate            the one place that opens files from outside
    asides          what is under way: its name, whose it is, and what becomes of that of the dead
    disk            files and names forced to the disk
    files           files and folders that appear whole or not at all, strict JSON
    csv_cells       CSV that no spreadsheet computes
    numerals        which texts are numbers
    locks           one process at a time in a folder: wait for it, or be refused
    registry        names → "module:ATTRIBUTE", loaded on use
    plugins         entries that other packages bring, and who may name them
    geometry        boxes, circles and polygons as plain arrays
    scan_lines      the pixels inside of many outlines at once
    enclosing_circles  the smallest circle around each of many outlines
    artefacts       which classes are those of artefacts
    objects         the objects of one image: their sizes, moved, scaled, and beside ignored regions
    spatial_index   boxes that lie near each other
    dataset         what a data set is: a card, and a function that loads it
    progress        how long work tells what it is doing
    console         who listens: a terminal, a log
"""
