"""From valid submissions to result files: the scorer, and nobody else, writes them."""
