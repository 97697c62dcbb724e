"""What is the same in every step: h_3 is h_t at t = 3, a product the second matmul of its line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping

from minigrad import Tensor
from minigrad.viz.lettering.step_numbers import StepNumbers

Times = Mapping[Tensor, int | None]
Role = Hashable


def roles(
    nodes: Iterable[Tensor],
    times: Times,
    by_gradient: bool = True,
) -> dict[Tensor, Role]:
    """The role of each node in its step, the same for its counterpart in another step.

    That is its name with the step in it written as t; without one the function, the line, and which
    of its kind it is.

    by_gradient: operations that need a gradient are of another kind.
    """
    numbers = step_numbers(times)
    count: Counter[object] = Counter()
    role_of: dict[Tensor, Role] = {}
    for n in nodes:
        t = times[n]
        kind = alike(n, t, numbers, by_gradient)
        count[t, kind] += 1
        role_of[n] = (t is None, *kind, count[t, kind])
    return role_of


def alike(
    n: Tensor, t: int | None, numbers: StepNumbers, by_gradient: bool = True
) -> tuple[object, ...]:
    """What a node shares with its counterparts in other steps."""
    if n.name and t is not None:
        name = numbers.template(n.name, t)
        if name != n.name:
            return "named", name
    return n.fn, n.place, n.requires_grad and (by_gradient or n.fn is None)


def step_numbers(times: Times) -> StepNumbers:
    """Which numbers in the names of these nodes count the steps."""
    return StepNumbers((n.name, t) for n, t in times.items() if n.name and t is not None)
