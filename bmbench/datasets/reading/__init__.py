"""What every reader rests on: JSON, XML and images from outside, read within limits.

::

    limits           sizes and depths beyond which a file is refused
    json_rows, row_columns, alike_rows, top_level   JSON lists as columns
    json_stream      JSON too large to hold, object by object
    safe_xml         XML without entities
    safe_yaml        YAML without aliases
    images           pixels of any image file as RGB bytes
    image_names      which image a name means
    picture_copies   copies, near copies and empty parts, from pixels alone
"""
