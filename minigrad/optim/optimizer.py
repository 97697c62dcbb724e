"""What all optimizers share: groups of parameters, steps, and a state that can be kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from minigrad.containers import leaves
from minigrad.core.array import REAL_KINDS
from minigrad.core.norms import positive
from minigrad.core.tensor import Array, Tensor, frozen
from minigrad.core.versions import writeable
from minigrad.errors import ArgumentError, DTypeError, GradientError, ShapeError

from .groups import (
    Group,
    Options,
    completed,
    given_groups,
    refuse_no_parameters,
    refuse_wrong,
)
from .recorded import Recorded, record_update

Params = Any
"""A Tensor, or what holds some: containers and models, nested."""
Grouped = Any
"""Parameters, or groups of them with options of their own."""
Memory = dict[str, Any]
"""What a rule remembers of one parameter: arrays of its shape, and ``step``, its updates so far."""
RESTORE = "optimizer: restore"


@dataclass(frozen=True)
class Rule:
    """How a kind of optimizer goes from a gradient to a direction to step against.

    ``direction(g, memory, options)`` gives it, and writes into the memory what is to be remembered;
    ``remembers(options)`` are the names of that, arrays which are zeros at first.
    ``decays_beside``: the decay of weights is no part of the gradient.
    """

    name: str
    direction: Callable[[Array, Memory, Options], Array]
    remembers: Callable[[Options], tuple[str, ...]]
    decays_beside: bool = False


class Optimizer:
    """Parameters in groups, and a rule.

    ``params``: a Tensor, or what holds some, a list, a dict, a model, nested, each parameter once
    however often it occurs; or a list of groups, dicts with ``"params"`` and what is another for
    them than for all, as ``{"params": [b], "lr": 0.1}``. ``groups`` are dicts that have all of it,
    to be read and written; ``params`` becomes the flat list in their order.

    Raises ArgumentError for lr <= 0 and other options outside their domain, an option that there is
    not, no parameter, one in two groups, or what is none.

    >>> import minigrad as mg
    >>> W = mg.tensor(1.0, requires_grad=True, name="W")
    >>> b = mg.tensor(1.0, requires_grad=True, name="b")
    >>> groups = [{"params": W}, {"params": b, "lr": 0.5}]
    >>> optimizer = mg.optim.SGD(groups, lr=0.1)
    >>> optimizer.step([1.0, 1.0])
    >>> W.item(), b.item()
    (0.9, 0.5)
    >>> optimizer.groups[1]["lr"] = 0.05
    """

    def __init__(
        self, params: Grouped, lr: float, rule: Rule, options: Options, weight_decay: float = 0.0
    ) -> None:
        self._rule = rule
        defaults: Group = {"lr": positive("lr", lr), "weight_decay": weight_decay, **options}
        self._options = tuple(defaults)
        self.groups: list[Group] = [completed(part, defaults) for part in given_groups(params)]
        self.params: list[Tensor] = []
        self._group_of: list[Group] = []
        for group in self.groups:
            self.params += group["params"]
            self._group_of += [group] * len(group["params"])
        self._memories: list[Memory] = [{"step": 0} for _ in self.params]
        self._recorded: Recorded | None = None
        refuse_no_parameters(self.params)

    @property
    def lr(self) -> float:
        """The learning rate of the first group; to set it sets that of all groups."""
        rate: float = self.groups[0]["lr"]
        return rate

    @lr.setter
    def lr(self, value: float) -> None:
        refuse_wrong({"lr": value})
        for group in self.groups:
            group["lr"] = value

    def zero_grad(self) -> None:
        """Forget the accumulated gradients."""
        for p in self.params:
            p.grad = None

    def step(self, grads: Any = None) -> None:
        """Update every parameter against its gradient; those without one (None) are skipped.

        ``grads`` are one per parameter, in order and in its shape, in a list or nested as ``grad``
        gives them; default: their ``grad``. Raises
        GradientError where there is no gradient at all, ShapeError and DTypeError for one that does
        not fit, ArgumentError for an option that was set to what it cannot be: then no parameter
        has changed.
        """
        if grads is None:
            grads = [p.grad for p in self.params]
        arrays = [_as_array(g) for g in _one_each(grads)]
        self._refuse_unfit(arrays)
        for group in self.groups:
            refuse_wrong(group)
        self._pull()
        for i, g in enumerate(arrays):
            if g is not None:
                self._update(i, g)
        self._push()

    def _refuse_unfit(self, grads: Sequence[Array | None]) -> None:
        """Raise an error where these are not the gradients of the parameters."""
        if len(grads) != len(self.params):
            got = f"{len(grads)} gradients for {len(self.params)} parameters"
            raise ShapeError("step", got=got)
        for p, g in zip(self.params, grads, strict=True):
            if g is None:
                continue
            if g.shape != p.shape:
                got = f"'{p.label}' is {p.shape} and its gradient {g.shape}"
                raise ShapeError("step", got=got)
            if g.dtype.kind not in REAL_KINDS:
                got = f"the gradient of '{p.label}' is {g.dtype}"
                raise DTypeError("step", got=got, expected="expected real numbers")
        if grads and all(g is None for g in grads):
            got = "no parameter has a gradient"
            raise GradientError("step", got=got, expected="call it after backward()")

    def _update(self, i: int, g: Array) -> None:
        """Change parameter i against its gradient."""
        p = self.params[i]
        memory = self._memory(i)
        memory["step"] += 1
        rate = float(self._group_of[i]["lr"])
        change = self._change(i, p.data, g, memory, rate)
        array = writeable(p)
        frozen(np.subtract(array, change, out=array))

    def _change(self, i: int, p: Any, g: Any, memory: Memory, rate: Any) -> Any:
        """What parameter i loses, in numbers or recorded."""
        group = self._group_of[i]
        rule = self._rule
        decay = float(group["weight_decay"])
        if decay and not rule.decays_beside:
            g = g + decay * p
        direction = rule.direction(g, memory, group)
        if decay and rule.decays_beside:
            direction = direction + decay * p
        return rate * direction

    def recorded(self, gradients: Mapping[Tensor, Tensor]) -> dict[Tensor, Tensor]:
        """A step on a tape: by leaf its next value, for ``transforms.update``.

        The leaves are the parameters, and what is remembered of each, which from then on is shared
        with the tape. Gradients: one for each parameter.
        """
        memories = [self._memory(i) for i in range(len(self.params))]
        if self._recorded is None or self._recorded.is_stale:
            self._recorded = Recorded(self.params, memories)
        return record_update(self, self._recorded, gradients)

    def _memory(self, i: int) -> Memory:
        """What is remembered of parameter i, with zeros for what is not there yet."""
        memory = self._memories[i]
        for part in self._rule.remembers(self._group_of[i]):
            if part not in memory:
                memory[part] = np.zeros_like(self.params[i].data)
        return memory

    def state(self) -> dict[str, Array]:
        """All that the optimizer is beside its parameters, for a checkpoint: named arrays.

        ``"Adam.lr"`` has the rate of every group, and so on; ``"Adam.3.mean"`` is what the rule
        remembers of parameter 3 under that name, ``"Adam.3.step"`` its updates.
        """
        self._pull()
        name = self._rule.name
        sizes = [len(group["params"]) for group in self.groups]
        arrays = {f"{name}.groups": np.array(sizes)}
        for option in self._options:
            values = [group[option] for group in self.groups]
            arrays[f"{name}.{option}"] = np.array(values, np.float64)
        for i in range(len(self.params)):
            for part, value in self._memory(i).items():
                arrays[f"{name}.{i}.{part}"] = np.asarray(value)
        return arrays

    def _pull(self) -> None:
        """Take over what plans have changed."""
        if self._recorded is not None:
            self._recorded.pull(self._memories)

    def _push(self) -> None:
        """Let plans take over what has changed."""
        if self._recorded is not None:
            self._recorded.push(self._memories)

    def restore(self, state: Mapping[str, Array]) -> None:
        """Go on from a ``state()``, bit for bit; its learning rates are put back too.

        Raises ArgumentError where it is that of another kind of optimizer, of other parameters,
        groups or options, or not whole: then nothing has changed.
        """
        found = {key: np.array(value) for key, value in state.items()}
        mine = self.state()
        self._refuse_another(found, mine)
        name = self._rule.name
        for group, rate in zip(self.groups, found[f"{name}.lr"].tolist(), strict=True):
            group["lr"] = rate
        for i, memory in enumerate(self._memories):
            for part in memory:
                memory[part] = found[f"{name}.{i}.{part}"]
            memory["step"] = int(memory["step"])
        self._push()

    def _refuse_another(self, found: Mapping[str, Array], mine: Mapping[str, Array]) -> None:
        """Raise ArgumentError where a state is not one of this optimizer."""
        name = self._rule.name
        kinds = sorted({key.partition(".")[0] for key in found})
        if kinds != [name]:
            # 0.1.0 named the number of the parameter only
            names = [kind for kind in kinds if not kind.isdecimal()]
            got = f"a state of {', '.join(names) or 'no kind'}"
            raise ArgumentError(RESTORE, got=got, expected=f"expected one of {name}")
        missing = sorted(mine.keys() - found.keys())
        unknown = sorted(found.keys() - mine.keys())
        for option in ("groups", *self._options):
            key = f"{name}.{option}"
            if key in found and option != "lr" and not np.array_equal(found[key], mine[key]):
                got = f"{option} {found[key].tolist()} there, {mine[key].tolist()} here"
                raise ArgumentError(RESTORE, got=got, expected="expected the same")
        if missing:
            raise ArgumentError(RESTORE, got=f"{missing[0]!r} is missing")
        if unknown:
            got = f"{unknown[0]!r}"
            raise ArgumentError(RESTORE, got=got, expected="expected what state() gave")
        for key, a in mine.items():
            _refuse_unlike(key, found[key], a)
        if not np.all(found[f"{name}.lr"] >= 0):
            got = f"{name}.lr is {found[f'{name}.lr'].tolist()}"
            raise ArgumentError(RESTORE, got=got, expected="expected numbers from 0")


def _refuse_unlike(key: str, found: Array, mine: Array) -> None:
    """Raise ArgumentError for a part of a state of another shape, or of no such numbers."""
    if found.shape != mine.shape:
        got = f"{key!r} is {found.shape}"
        raise ArgumentError(RESTORE, got=got, expected=f"expected {mine.shape}")
    if found.dtype.kind != mine.dtype.kind:
        got = f"{key!r} is {found.dtype}"
        raise ArgumentError(RESTORE, got=got, expected=f"expected {mine.dtype}")


def _one_each(grads: Any) -> list[Any]:
    """The gradients in a row: as they are passed, or out of the structure that ``grad`` gives."""
    parts = leaves(grads)
    is_nested = len(parts) != len(grads) and any(isinstance(g, Tensor) for g in parts)
    if is_nested or isinstance(grads, Mapping):
        # None stands there where no parameter is
        return [g for g in parts if g is not None]
    return list(grads)


def _as_array(g: Any) -> Array | None:
    if g is None:
        return None
    return g.data if isinstance(g, Tensor) else np.asarray(g)
