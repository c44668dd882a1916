"""The same board for machines, at addresses that stay.

::

    tables           data/<track>.json and .csv: every number
    addresses        full addresses, where the board says where it is published
    feed             feed.xml: what came, newest first
    badge            one line as a picture
    citation         CITATION.cff
    croissant        croissant.json: what the tables hold, for dataset search
    hub_results      entries for `.eval_results/` of a model on the Hugging Face Hub
    every_eval_ever  one record a submission, in the schema of Every Eval Ever
    all_files        everything of this room, by path
"""
