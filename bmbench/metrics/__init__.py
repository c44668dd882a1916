"""Matching, curves, F1, artefact analysis, resampling: arrays in, frozen results out."""
