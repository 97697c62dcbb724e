"""The laboratory: a gradient taken apart, and strategies of truncation compared."""
