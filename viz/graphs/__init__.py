"""Pictures of tapes."""
