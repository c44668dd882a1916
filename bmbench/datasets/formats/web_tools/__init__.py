"""What annotation tools in a browser export; each is read.

::

    via            VGG Image Annotator: projects, and annotations as JSON
    label_studio   Label Studio's own JSON, its small form (JSON-MIN) and CSV
    supervisely    Supervisely: one file an image in ``ann``
    objects        checks of JSON values that all of them need
"""
