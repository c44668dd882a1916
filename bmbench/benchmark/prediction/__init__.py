"""`bmbench predict`: images of any size → tiles → a trained run's detections → files.

::

    options     what is asked for, and what was found
    predict     each image → write what was found
    finished    load a run → each image, its tiles predicted; resumed where it was killed
    pictures    which pictures are of 16 bits, or turned
    prepare     one image as a job: at which scale, in which tiles, where
    selection   where on a slide: drawn regions, whatever is stained, everything
    tiles       how an image is cut: cores, and margins around them
    image       the tiles of one image, read ahead and predicted
    journal     the finished tiles on disk
    seams       each cell once, although two tiles see it
    outputs     COCO, CSV and GeoJSON files
    crops       a picture of each cell
    table       what the command prints at the end
"""
