"""A compiled plan at work: inputs, threads, calls."""
