"""What every reader rests on: JSON, XML and images from outside, read within limits.

::

    limits           sizes beyond which a file is refused; what is UTF-8
    strict_json      JSON read slowly: every fault has its place
    json_lists       long lists of records as columns, piece by piece
    json_refusals    what is wrong with such a file, and where
    record_checks    ids, boxes and whatever else no type of one value can check
    json_stream      JSON too large to hold, object by object
    safe_xml         XML without entities
    safe_yaml        YAML without aliases
    dicom_header     headers of DICOM files
    safe_pickle      arrays that NumPy has pickled, and nothing else of a pickle
    tables           tables of spreadsheets and other programs
    images           pixels of any image file as RGB bytes
    orientation      how a picture is to be turned to be seen upright
    bit_depth        what is white in 16-bit images
    tiff_files       TIFF files, opened alone and with an end to their pages
    image_names      which image a name means
    image_lookup     which image an answer means, by id, file name or stem
    near_misses      what answers that mean no image have in common with images
    picture_copies   copies, near copies and empty parts, from pixels alone
    picture_overlaps pictures that show a part of the same field
"""
