"""Is a gradient right, and where did it go wrong."""
