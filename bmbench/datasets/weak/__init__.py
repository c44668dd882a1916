"""The simulator of weak circle annotations, and how weak its circles are."""
