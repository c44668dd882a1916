"""`bmbench count`: images of any size → a trained run's detections → how many of which.

::

    options        what is asked for, and what was counted
    count          the way from images to a folder of tables and pictures
    found          what is counted: cells just found, or those of a file
    cell_files     predictions of any program, tables, annotations: read as such cells
    labels         classes of found cells from outside: pictures out, a table in
    patients       which images are of one patient
    tally          cells of an image by class, at every confidence that may be chosen
    differential   percentages, sums, ratios and cut-offs of a patient or of everything
    tables         CSV files, and what the command prints
    workbook       the same tables for a spreadsheet
    looks          a colour and a sign for each class
    overlays       pictures of what was counted
    report_facts   what the report shows at each confidence
    report_page    the report as one HTML file; its style and script lie in ``page_parts``
"""
