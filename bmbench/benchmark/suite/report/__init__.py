"""The report of a suite.

::

    scored_sets  finished runs of each set, scored; drops and costs
    model_rows   models that learned nothing from a set, as rows beside its runs
    blocks       headings, tables, lists: shown as Markdown and as HTML
    set_tables   one table a set
    set_figure   … and one figure: F1 with intervals, and seconds
    ensembles    the seeds of a method as one detector, from the answers that they left
    class_tables the F1 of each class, where classes are told apart
    pooled       all real sets together, and the order of a drawn set beside theirs
    verdicts     the study's questions, and what would decide those that are open
    failures     what is missed and taken for a cell, by class, crowding and cause
    report       all of it → report.md and report.html
"""
