"""The engine: what a tape is, how it is recorded, and the backward pass over it. Read this first."""
