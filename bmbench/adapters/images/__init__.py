"""Images on their way to a network, and maps on their way back.

::

    working_scale      images at the scale at which a network works; training images, random views of them
    augment            training patches: turned, mirrored, blurred, in other stains than their slide's
    appearance         the size of nuclei and the colours of images, measured; colours moved to others
    tiling             a large image in overlapping tiles, and their results put together again
"""
