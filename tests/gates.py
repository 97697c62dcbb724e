"""One row per gate: how it is put on x, with a number s for those that take one."""

import minigrad as mg
from minigrad.internal import gates


def look(g):
    """What on_backward calls: it changes nothing."""


GATES = {
    gates.detach: lambda x, s: mg.detach(x),
    gates.scale_grad: mg.scale_grad,
    gates.clip_grad: lambda x, s: mg.clip_grad(x, 0.5 + abs(s)),
    gates.on_backward: lambda x, s: mg.on_backward(x, look),
    gates.alias: lambda x, s: gates.alias(x),
    gates.recompute: lambda x, s: gates.recompute(x, steps=(1, 2)),
}
