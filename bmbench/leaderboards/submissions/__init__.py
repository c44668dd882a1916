"""What strangers hand in, and the one check that all of it goes through.

::

    sources              files of a folder, or blobs of a commit
    problems             every fault: code, place, remedy
    strict_json          JSON read without guessing
    card, card_check     the card: its record, and its check
    schemas              card and track as JSON Schema
    predictions_check    the predictions, row by row
    other_submissions    what those already there say of who they belong to
    validate             `bmbench validate`: one verdict
    normalise            predictions of any form as a submission holds them
    prepare, submit      `bmbench submit`: a submission from runs or files
    understood           what was read, beside the truth, and what is doubtful
    open_request         `bmbench submit --open`: the pull request
    incoming             where submissions come in: a desk or a pull request
"""
