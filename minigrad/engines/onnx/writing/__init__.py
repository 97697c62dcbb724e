"""ONNX files: the nodes that compute what a rolled program says."""
