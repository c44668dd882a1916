"""The published data sets, one a file, and a user's own files.

::

    bccd, bone_marrow_wsi, dsb_purple (with dsb_tiles), kainz, midog, nuinsseg, plasma_cd138, segpc
    pig_wbc, leukemia_attri, pcmmd, myeloma_ufba (with yolo_folders), cytologia
    image_samples  what most of them are made of
    own_files   a user's own images, in any format
    plugin      data sets of other packages
    options     what a user may say about a set
    manifests   pinned digests of sets that lie in repositories
"""
