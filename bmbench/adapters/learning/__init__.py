"""How any network here learns: patches → gradients → steps → the best of many looks.

::

    sources    training images at working scale, and random views of them
    trainer    the steps: the same bytes from the same seed, however many patches are computed at once
    course     where a training stands, so that it can be stopped and go on
    ahead      patches drawn while an earlier step is computed
    team       processes that share out the work of each step
"""
