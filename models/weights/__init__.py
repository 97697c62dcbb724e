"""Weights of PyTorch, Keras, Flax and Equinox, in and out."""
