"""In which order and in which loops the families run."""
