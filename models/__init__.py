"""Recurrent models, text, training and the closed forms of backpropagation through time."""
