"""Annotation formats: one module a format."""
