"""From valid submissions to result files: the scorer, and nobody else, writes them.

::

    record                  one result
    score_submission        one submission against the truth
    counted_cells           cells that are counted on each image → whether counts agree
    controls                answers that know everything, nothing, or say yes everywhere
    score_track             every submission of a track
    submission_states       withdrawn, superseded, disputed
    unit_columns            results → what the statistics work on
    standings_record        all comparisons of a track
    cross_track_questions   weak against precise, artefacts so or so
    robustness              who wins under which rule
    standings               results → ranks: where a board's order is decided, by `statistics.ranks`
    hidden_truth            truths that are encrypted until a track retires
    leakage_budget          how many bits of one the published numbers can tell
    hidden_scores           what is published of a submission to one
    hidden_standings        the order, from what was published alone
    make_truths             truths that a repository may not hold
    patches                 what submissions did on the same six patches
    patch_pictures          the pixels of these patches
    publish, verify         write the board's files; recompute every number
"""
