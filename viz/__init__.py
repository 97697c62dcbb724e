"""Pictures of tapes and of the gradients on them."""
