"""Graph -> Graph: every pass of the compiler before the schedule."""
