"""The pictures of runs and searches, as PNG and JPEG.

::

    figures    precision against recall, what is taken for what, the weight of settings; how a figure is saved
    gallery    what was found, missed and invented, drawn on the images
"""
