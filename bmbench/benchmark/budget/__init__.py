"""`bmbench budget`: how many annotations are enough, and of which kind.

::

    options      what was asked for: shares of the training images, seconds for a circle and for an outline
    plan         shares → studies of `reproduce`, one a share, all of them worked off
    points       finished runs → scores by annotations and minutes
    report       a table, a figure, JSON
"""
