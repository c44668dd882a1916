"""The protocol of the study as a harness: from options to runs, scores, searches and whole studies.

::

    protocol     the rules: tracks, profiles, supervision, classes, image scale
    records      what a run leaves on disk and reads back
    scoring      two files → scores, comparisons, tables
    counting     `bmbench count`: how many of which, with percentages
    drawing      curves, confusion tables, overlays
    workers      processes that work for a study or a search
    models       detectors that travel: folders with a card, `bmbench models`
    areas        where on a slide to count: `--areas auto`
    prediction   `bmbench predict`: images of any size → files
    run          `bmbench run`: plan → stages → records
    search       `bmbench tune`: many runs, the best settings
    contract     what every method promises, as checks; the package of a new method
    reproduce    `bmbench reproduce`: a matrix of runs and its report
    budget       `bmbench budget`: the same with few and with all annotations, score against effort
    suite        `bmbench suite`: many data sets, each such a matrix, and what they say together
    finished     `bmbench table`, `view`, `report`: tables, a page and checklists of finished runs
    verify       `bmbench verify`: digests and numbers of what is finished
"""
