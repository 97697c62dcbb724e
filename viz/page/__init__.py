"""The page that steps through a backward pass."""
