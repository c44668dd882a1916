"""How things are shown: the one place of words, colours, tables and vector drawing.

- `words`: the dash for what is undefined, counts with their nouns, numbers, names of rules and errors
- `palette`: colours and dashes of figures
- `markdown`: tables that line up, paragraphs, cells
- `terminal`: tables on a terminal
- `svg`: vector drawings with the same bytes everywhere
- `dataset_tables`, `dataset_page`: a data set on a terminal, and as one HTML file
"""
