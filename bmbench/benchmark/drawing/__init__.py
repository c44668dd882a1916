"""The figures of a run: curves, confusion tables, overlays."""
