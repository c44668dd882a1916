"""From two files to scores, comparisons and their tables."""
