"""The rules of a run: what is asked, what may be learned, and at which scale.

::

    tracks        the questions that methods are compared on, and the profiles: how much work a run may be
    supervision   what a method may learn from: weak circles, contours, artefacts so or so
    learned_from  what a run says of itself before it begins
    classes       which classes of cells are told apart, and what a detector's labels mean
    lineages      what a class counts as in a differential: its lineage, or what stands apart
    image_scale   pixel size and cell size of a run's images
    adjustment    images brought to the size of nuclei and the colours that a detector learned from
    other_sets    the wish of `--test-on`: other images than the run's own
"""
