"""The pictures of runs and searches, as PNG and JPEG.

::

    figures          precision against recall, what is taken for what, histories; how a figure is saved
    score_figures    what `score --out` writes: reliability, FROC, causes, raters
    count_figure     agreement of counts: predicted against true, differences against means
    gallery          what was found, missed and invented, drawn on the images
"""
