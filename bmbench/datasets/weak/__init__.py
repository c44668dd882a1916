"""Weak circles: what somebody marks who circles each cell quickly.

::

    simulator    contours → jittered circles, as the study did
    statistics   how weak the circles of a set are
"""
