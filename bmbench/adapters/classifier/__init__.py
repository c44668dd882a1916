"""A second stage: a detector finds cells of any class, a small network looks at each and says its class.

::

    crops           a picture of each cell, of one size
    network         the network that classifies them: its training, its files
    second_stage    any method with such a network behind it, as a method: ``NAME+crops``
"""
