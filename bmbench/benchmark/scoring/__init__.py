"""From two files to scores, comparisons and their tables.

::

    score_files      a predictions file against ground truth; every step on the way by itself
    compare_files    two of them, or two runs, on the same images
    reports          what both answer, as records; what `--json` prints
    recorded         scores as a run's files hold them, typed
    tables           scores and comparisons on a terminal
    class_tables     classes by themselves, and what is taken for what
"""
