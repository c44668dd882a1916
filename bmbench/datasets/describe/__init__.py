"""What `bmbench datasets info` says of a set.

::

    info        the facts of its card and its images
    measures    sizes, distances, overlaps
    faults      duplicates, leaks, empty boxes, objects outside
    data_hash   one number for the whole set
"""
