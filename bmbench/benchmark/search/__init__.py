"""`bmbench tune`: a search for better settings, in a folder of its own that resumes.

::

    plan       what the search is about: its runs and its space
    store      the trials in Optuna's journal file, and which settings to try next
    database   the trials in a PostgreSQL database
    trial      train on train, stop on validation, judge on optimisation
    remote     trials on the workers of a cluster
    search     all of it, round by round
    table      the best trials on a terminal
"""
