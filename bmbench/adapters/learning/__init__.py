"""How any network here learns: patches → gradients → steps → the weights of the best validation.

::

    fit_request       what a method is given to fit, and the settings that a training reads
    trainer           the steps: the same bytes from the same seed, however many patches are computed at once
    training_state    where a training stands, in memory and on disk, so that it can be stopped and go on
    networks          a layer of all families; copies that share weights or follow them; networks on disk
    process_group     processes that share out the work of each step
    weight_files      the tensors of files from elsewhere, without code from elsewhere
    third_party       imports of others' programs without their side effects
    reproducible      the same bytes from the same seed, and the process left as it was
"""
