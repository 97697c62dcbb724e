"""What modules need beyond the engine, by name: without it they are not tried."""

NEEDED = {
    "minigrad.engines.jax.interpret": "jax",
    "minigrad.engines.jax.twins": "jax",
    "minigrad.engines.lower": "jax",
    "minigrad.engines.onnx.imported": "onnx",
}
