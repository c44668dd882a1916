"""Benchmark and leaderboards for the localisation of haematopoietic cells in bone-marrow microscopy.

Importing this package loads nothing else: each layer is imported where it is used. From top to bottom::

    cli                          parse, call one function, print
    leaderboards                 tracks, submissions, results, boards
    benchmark                    runs, scores, searches, studies
    present, statistics          words, tables, drawing; draws, intervals, tests, ranks
    datasets, adapters, metrics  files and splits; detectors; matching and values
    core                         types, geometry, files, locks, errors
"""

__version__ = "0.1.0"
