"""Published sets fetched, checked against pinned digests, unpacked and kept."""
