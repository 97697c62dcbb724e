"""Names as they are written: their letters, accents and indices, and how wide they are."""
