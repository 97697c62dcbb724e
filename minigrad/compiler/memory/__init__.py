"""Where every value lies."""
