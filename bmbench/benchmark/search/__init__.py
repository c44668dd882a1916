"""`bmbench tune`: a search for better settings, its trials, its store and its table."""
