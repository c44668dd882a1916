"""GeoJSON as QuPath writes and reads it."""
