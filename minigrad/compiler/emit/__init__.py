"""The calls of NumPy that a schedule becomes."""
