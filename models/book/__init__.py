"""The book's section 9.7, its closed forms, cases and experiments."""
