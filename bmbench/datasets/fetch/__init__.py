"""Published sets fetched, checked against pinned digests, unpacked and kept.

::

    fetch           `bmbench datasets fetch`
    download        from a server, by checksum
    manifest        sets that lie in repositories as single files
    unpack          archives from outside, without harm
    store           where fetched sets lie, and what must be known before one is used
"""
