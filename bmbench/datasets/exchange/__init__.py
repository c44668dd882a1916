"""Commands that write a data set anew, from any format to any other.

::

    convert             `bmbench datasets convert`
    conversion_losses   what a conversion could not carry over
    split_files         `bmbench datasets split`
    weaken_files        `bmbench datasets weaken`
    answers             `bmbench datasets answers`: another program's answers become predictions
    correction          `bmbench datasets import`: corrected predictions become annotations
"""
