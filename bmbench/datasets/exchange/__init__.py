"""Commands that write a data set anew, from any format to any other.

::

    convert      `bmbench datasets convert`
    changes      what a conversion could not carry over
    split        `bmbench datasets split`
    weaken       `bmbench datasets weaken`
    correction   `bmbench datasets import`: corrected predictions become annotations
"""
