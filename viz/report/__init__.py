"""The page about one gradient: where it comes from, what truncation loses of it."""
