"""ONNX: what other frameworks export, as functions that record our tape."""
