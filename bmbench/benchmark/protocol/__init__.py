"""The rules of a run: tracks, profiles, supervision, classes, and the scale of images."""
