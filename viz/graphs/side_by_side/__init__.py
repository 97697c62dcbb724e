"""Tapes beside each other: what their pictures have in common, and what differs."""
