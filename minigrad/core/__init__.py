"""The engine, to be read first: what a tape is, how it is recorded, how backward goes over it."""
