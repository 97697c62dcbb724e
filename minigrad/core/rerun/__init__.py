"""Running a tape again: what is fed, and what was computed beside it."""
