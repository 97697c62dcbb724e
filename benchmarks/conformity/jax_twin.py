"""What programs call ``nn`` in JAX, and the share of a state that follows its weights."""

import os
from types import SimpleNamespace

# programs run once: compile quickly rather than well
os.environ.setdefault(
    "XLA_FLAGS", "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"
)
import jax
import jax.numpy as jnp

jax.config.update("jax_enable_x64", True)


def mse(a, b):
    return jnp.mean(jnp.square(a - b))


NN = SimpleNamespace(
    sigmoid=jax.nn.sigmoid,
    relu=jax.nn.relu,
    softmax=jax.nn.softmax,
    log_softmax=jax.nn.log_softmax,
    mse=mse,
)


def share(key, factor, state):
    """The share ``factor`` of the gradient goes back through the state."""
    if factor == 1:
        return state
    still = jax.lax.stop_gradient(state)
    return still + factor * (state - still) if factor else still
