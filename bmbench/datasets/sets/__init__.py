"""The published data sets, one a file, and a user's own files."""
