"""The report of a study: Markdown and pictures, a function of the finished run folders.

::

    runs                 finished run folders → scores, images, groups
    seed_means           means over the seeds of a method, and their differences
    error_counts         what runs get wrong, by what they learned of artefacts
    published            the study's own numbers
    first_page, tables, questions, claims, errors_section, other_sets_section   the text, part by part
    counts_section       whether counts agree, by patient and image, and at cut-offs
    cell_and_artefact_counts   false positives and negatives of cells and of artefacts
    figures, mappings, examples                                        the pictures
    report               all of it → report.md
"""
