"""Processes that work for a study or a search: a cluster, this machine, graphics cards."""
