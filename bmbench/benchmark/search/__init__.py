"""`bmbench tune`: a search for better settings, in a folder of its own that resumes.

::

    plan         what the search is about: its runs and its space
    trials       the trials so far, in Optuna's journal file or a database, and which settings to try next
    postgresql   that database
    trial        train on train, stop on validation, judge on optimisation
    remote       trials on the workers of a cluster
    search       all of it, round by round
    table        the best trials on a terminal
"""
