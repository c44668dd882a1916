"""From two files to scores, comparisons and their tables.

::

    score_files      a predictions file against ground truth; every step on the way by itself
    notes            what to know of rules, classes and answers, a line each
    compare_files    two of them, or two runs, on the same images
    reports          what both answer, as records; what `--json` prints
    chosen_point     the threshold of a wanted recall or precision
    class_points     each class of cells at a threshold of its own
    run_point        the same by the optimisation images of a finished run
    details          what `--details` adds to the scores
    details_tables   the same on a terminal
    count_agreement          whether counts and percentages agree, by image and patient
    count_agreement_tables   the same on a terminal
    rater_files      several raters' files, on the images and classes of the first
    raters           scores against each rater, and the human line
    raters_table     the same on a terminal
    recorded         scores as files of runs hold them
    tables           scores, comparisons, classes by themselves and what is taken for what, on a terminal
"""
