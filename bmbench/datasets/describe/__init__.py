"""What `bmbench datasets info` says of a set: numbers, faults, a page."""
