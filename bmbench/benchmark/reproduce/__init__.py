"""`bmbench reproduce`: the study's tables and figures for any data set, as a matrix of runs that resumes.

::

    options      what was asked for
    method_settings   what files and --set change of the settings of each method
    matrix       options → cells: track × artefact mode × method × fold × seed, each a run
    folder       the folder of a study: which cells belong to it, their runs, failures and locks
    mirror       a copy of the folder at an address of fsspec
    searches     the search for the settings of a row, before its runs
    work         a cell and a function: the seam for any engine
    engines      one after the other, or side by side in processes
    remote       on the workers of a cluster
    step_time    seconds of a training step of each method, measured
    estimate     how long it will take
    study        all of it: plan → work off → report
    report       finished run folders → report.md and its pictures
"""
