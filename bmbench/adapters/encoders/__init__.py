"""Encoders of timm in place of the first layers of a network of ours (``--set encoder=NAME``).

::

    choice          which encoder, and what its settings allow; without torch
    request         what it asks of a training before that begins
    layout          what maps a model of timm makes, found out without memory
    timm_encoder    the encoder itself: an image → a map for each level
    taken           its weights, from a file or the hub
"""
