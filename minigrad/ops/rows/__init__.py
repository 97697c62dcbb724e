"""Whole rows of a table: looked up by their numbers, and added up where numbers name them."""
