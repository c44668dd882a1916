"""Images on their way to a network, and maps on their way back.

::

    rescaling          images at the scale at which a network works; the size of the cells
    augment            training patches: turned, mirrored, blurred, in other stains than their slide's
    training_images    training images at working scale, and random views of them
    tiling             a large image in overlapping tiles, and their results put together again
"""
