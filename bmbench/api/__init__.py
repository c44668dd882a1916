"""bmbench in Python: what `import bmbench` offers, beside the command line and on top of the same functions.

::

    columns         what people have in memory (lists, arrays, tensors, frames), as checked columns
    other_libraries     detections of supervision, Ultralytics and QuPath as such columns
    marked_arrays   annotations in memory, as the records of a COCO file
    held_files      what is in memory, for as long as somebody reads it as a file
    predictions     `bmbench.Predictions`: a detector's answers
    ground_truth    `bmbench.GroundTruth`: what experts marked
    inputs          which of all that a user has handed over
    scoring         `bmbench.score`, `bmbench.compare`
    results         what they answer
    models          `bmbench.load_model`: a trained detector that predicts
    runs            `bmbench.run`, `load_run`: a run as an object
    counting        `bmbench.count`: how many cells of which class
    suites          `bmbench.load_suite`: many methods on many data sets
    data_sets       `bmbench.open_dataset`: published sets and a user's own files
    display, pictures   results in a notebook: HTML, frames of pandas, figures

Nothing here scores, trains or predicts by itself. Arrays become the files that the commands read, so that a
number cannot depend on the door by which somebody came in.
"""
