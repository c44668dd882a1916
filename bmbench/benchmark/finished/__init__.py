"""What is made of finished runs, for those who analyse, look or write elsewhere.

::

    tables        `bmbench table`: runs, images or objects as columns
    table_files   such columns as CSV, Parquet and JSON
    page          `bmbench view`: a run as one HTML file
    facts         what the records of a run say, in sentences
    checklists    `bmbench report`: CLAIM, a model card, BIAS, filled from such sentences
    checklist_item              what a checklist asks, as data
    claim, model_card, bias     the items of each
"""
