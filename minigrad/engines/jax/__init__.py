"""JAX: rolled programs as functions that it compiles."""
