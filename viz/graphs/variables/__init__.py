"""A tape drawn as the book draws it: variables and the circles between them."""
