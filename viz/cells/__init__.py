"""What a notebook shows in its cells."""
