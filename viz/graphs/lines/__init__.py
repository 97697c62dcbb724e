"""Arrows led round boxes and beside each other."""
