"""Trained detectors that travel: folders with a card, from the package or from anybody.

::

    record    what a model's `model.json` holds: how to use it, and its card
    places    models by name, and whatever `--model` and `--run` name, loaded
    start     the model that a training begins with
    write     a model from a finished run; its scores on other sets
    table     what `bmbench models` prints
    shipped   the models that come with the package, a folder each
"""
