"""Benchmark and leaderboards for the localisation of haematopoietic cells in bone-marrow microscopy.

Importing this package loads nothing else: `bmbench.metrics`, `bmbench.datasets`, `bmbench.adapters`,
`bmbench.benchmark` and `bmbench.leaderboards` are imported where they are used.
"""

__version__ = "0.1.0"
