"""A tape rolled up: calls and loops over named values, whatever the number of steps."""
