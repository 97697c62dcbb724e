"""A tape drawn operation by operation."""
