"""Tests of `bmbench predict`."""
