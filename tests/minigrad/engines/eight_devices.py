"""A batch over eight virtual devices: the largest difference to one device, and what the devices exchange."""

import json
import os
import sys

os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=8"
os.environ["JAX_ENABLE_X64"] = "1"
sys.path.insert(0, os.getcwd())
import jax
import numpy as np

import minigrad as mg
from minigrad.transforms import clip, differentiate

rng = np.random.default_rng(0)
W, U = (mg.tensor(rng.normal(size=(4, 4)) / 2, requires_grad=True, name=n) for n in ("W", "U"))
X = mg.tensor(rng.normal(size=(6, 16, 4)), name="X")
h = mg.tensor(np.zeros((16, 4)), name="h_0")
loss = 0.0
for t in range(1, 7):
    with mg.timestep(t):
        h = np.tanh(X[t - 1] @ W + h @ U)
        loss = loss + np.sum(h * h)
lowered = mg.lower(clip(differentiate(mg.Tape.of(loss)), 1.0), "jax")
mesh = jax.make_mesh((8,), ("data",))
sharded = lowered.shard(mesh, batch="data")
alone, together = lowered(), sharded()
difference = max(float(np.abs(a - b).max()) for a, b in zip(alone, together, strict=True))
text = sharded.compiled_text()
print(
    json.dumps(
        {
            "devices": len(jax.devices()),
            "difference": difference,
            "all_reduces": text.count(" all-reduce("),
        }
    )
)
