"""Cards, loaders, codecs, the weak-annotation simulator, splits, the synthetic generator."""
