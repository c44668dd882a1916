"""`bmbench verify`: what changed since something was finished, and which numbers its files do not give.

::

    verify          a run, a search, a study or the network of a run → every fault
    run_numbers     the scores of a run, once more from its files
    differences     two values of JSON, number by number
"""
