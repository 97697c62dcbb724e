"""The backward pass on a differentiated tape: told apart from the forward pass, and mirrored."""
