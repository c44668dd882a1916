"""Images dealt out to subsets, and the proof that nothing leaks between them.

::

    balanced   subsets of given sizes with about the same classes in each
    dealing    a maker's split of two or three subsets made one of four
    fixed      the same subset for a patient in every copy of a published set
    leakage    groups, images or pixels that two subsets share
"""
