"""The same tape on other people's machines."""
