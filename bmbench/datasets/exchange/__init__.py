"""Commands that write a data set anew: convert, split, weaken, and import corrections."""
