"""What is the same in every step: h_3 is h_t at t = 3, a product the second matmul of its line."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping

from minigrad import Tensor

_HIGH = re.compile(r"(\^\{[^{}]*\}|\^[^\W_]+)")
"""What stands high in a name: the layer, as in h_1^{(1)}."""
Times = Mapping[Tensor, int | None]
Role = Hashable


def roles(
    nodes: Iterable[Tensor],
    times: Times,
    ages: Mapping[Tensor, int] | None = None,
    by_gradient: bool = True,
) -> dict[Tensor, Role]:
    """The role of each node in its step, the same for its counterpart in another step.

    That is its name with the step in it written as t; without one the function, the line, and which
    of its kind it is.

    ages: of the copies of a step, which are roles of their own. by_gradient: operations that need a
    gradient are of another kind.
    """
    count: Counter[object] = Counter()
    role_of: dict[Tensor, Role] = {}
    for n in nodes:
        t = times[n]
        kind = (*alike(n, t, by_gradient), ages.get(n, 0) if ages else 0)
        count[t, kind] += 1
        role_of[n] = (t is None, *kind, count[t, kind])
    return role_of


def alike(n: Tensor, t: int | None, by_gradient: bool = True) -> tuple[object, ...]:
    """What a node shares with its counterparts in other steps."""
    if n.name and t is not None:
        name = template(n.name, t)
        if name != n.name:
            return "named", name
    return n.fn, n.place, n.requires_grad and (by_gradient or n.fn is None)


def template(name: str, t: int) -> str:
    """The name with the step in it written as t; a name without it stays.

    What stands high is the layer where the step stands elsewhere too.

    >>> template("h_3", 3), template("h_3^{(3)}", 3)
    ('h_t', 'h_t^{(3)}')
    """
    pieces = _HIGH.split(name)
    pieces[::2] = [_with_t(piece, t) for piece in pieces[::2]]
    low = "".join(pieces)
    return _with_t(name, t) if low == name else low


def _with_t(text: str, t: int) -> str:
    """The text with the step in it written as t."""
    return re.sub(rf"(?<![^\W_]){t}(?![^\W_])", "t", text)
