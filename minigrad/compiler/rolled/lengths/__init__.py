"""Rolled programs of any length, from a few short recordings."""
