"""What programs that segment nuclei by themselves write: answers, as a rule, of a network trained elsewhere.

::

    cell_dictionaries    JSON of HoVer-Net and CellViT: a dictionary a nucleus
    annotation_store     TIAToolbox's annotation stores, SQLite files
    wkb                  shapes in well-known binary
"""
