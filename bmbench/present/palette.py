"""Colours and dashes of every figure: a thing looks the same wherever it is drawn.

The colours are Okabe and Ito's (2008), which people with any colour vision can tell apart; the dashes tell
lines apart in print.
"""

BLACK, BLUE, VERMILLION, GREEN = "#000000", "#0072B2", "#D55E00", "#009E73"
PURPLE, ORANGE, SKY, YELLOW = "#CC79A7", "#E69F00", "#56B4E9", "#F0E442"
BROWN, GREY = "#8C6D31", "#7F7F7F"

COLOURS = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY)
"""For one line after the other; yellow is too pale on white."""
DASHES = ("-", (0, (6, 2)), (0, (2, 1.5)), (0, (7, 2, 1.5, 2)), (0, (4, 1.5, 1.5, 1.5, 1.5, 1.5)))
"""Likewise, as matplotlib takes them."""
