"""What every layer shares: types, geometry, errors, the lazy registry, atomic files."""
