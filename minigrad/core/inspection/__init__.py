"""A look at what the engine did, for a second reading: steps, watches, formulas, text."""
