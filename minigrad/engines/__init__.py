"""The same tape on other engines, and models of other frameworks on our tape."""
