"""How things are shown: the one place of words, colours, tables and vector drawing.

::

    words             undefined, counts with their nouns, numbers with intervals, names of rules and errors
    palette           colours and dashes of figures
    markdown          tables that line up, paragraphs, cells
    terminal          tables on a terminal
    html              the same tables in a notebook
    svg               drawings with the same bytes on every machine
    curves            precision against recall as such a drawing
    dataset_tables    data sets and formats on a terminal
    dataset_page      a data set as one HTML file
"""
