"""Tests of the heads; they share `encoding`."""
