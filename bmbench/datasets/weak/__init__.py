"""Weak circles: what somebody marks who circles each cell quickly.

::

    simulator   contours → jittered circles, as the study did
    weakness    how weak the circles of a set are
"""
