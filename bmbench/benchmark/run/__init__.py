"""One run: plan → stages → records; resumed, decoded again, or applied to other images.

::

    plan                  names → records, and every image read once
    stages                fit → threshold → fit again → predict → score → draw
    begin_or_resume       begin a run, or resume a killed one, alone in its folder, where it can be
    decodings             ways to decode what a detector sees, and the best of them
    redecode              `bmbench redecode`: other settings without training again
    other_sets            the images that `--test-on` names, found and read
    apply_to_other_sets   a trained detector on them, unchanged
    tables                the result on a terminal, and as one Markdown row
"""
