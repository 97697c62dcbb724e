"""One run of a function that is to be differentiated, on nodes of our own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from minigrad.containers import mapped
from minigrad.core.gates import alias
from minigrad.core.order import leading_to
from minigrad.core.scope import recorded, records
from minigrad.core.tape import Tape
from minigrad.core.tensor import Tensor, tensor
from minigrad.errors import ArgumentError, GradientError

NUMPY_ALL_THE_WAY = (
    "Use NumPy functions of its arguments all the way: "
    ".data, float() and .detach() lose the gradient"
)


class Run(NamedTuple):
    """fn run once, on nodes of our own in place of the floating numbers."""

    args: tuple[Any, ...]
    inputs: list[Tensor]
    output: Any
    depending: set[Tensor]
    """The nodes from which a gradient goes back to the inputs."""
    outside: bool
    """Whether somebody may differentiate the derivative: a gradient goes elsewhere too."""

    def result(self) -> Any:
        """What fn gave; without its past where nobody asks for that."""
        return self.output if self.outside else mapped(Tensor.detach, self.output)

    def filled(self, values: Sequence[Any]) -> tuple[Any, ...]:
        """The primals with one value in the place of each input, None in that of other leaves."""
        value_of = dict(zip(self.inputs, values, strict=True))

        def placed(leaf: Any) -> Any:
            return value_of.get(leaf) if isinstance(leaf, Tensor) else None

        return mapped(placed, self.args)  # type: ignore[no-any-return]


def run_of(
    caller: str, fn: Callable[..., Any], primals: tuple[Any, ...], may_be_constant: bool = False
) -> Run:
    """Run fn and look at what comes out."""
    if not callable(fn) or isinstance(fn, Tensor):
        got = f"a {type(fn).__name__}"
        raise ArgumentError(caller, got=got, expected="expected a function and its arguments")
    inputs: list[Tensor] = []

    def entered(x: Any) -> Any:
        if not _is_floating(x):
            return x
        # no leaf, so that it is no parameter; its past, where it has one, stays behind it
        node: Tensor = alias(x if isinstance(x, Tensor) else tensor(x))
        node.requires_grad = True
        inputs.append(node)
        return node.named(getattr(x, "name", None) or f"primal {len(inputs)}")

    is_recorded = records()
    with recorded():
        args = mapped(entered, primals)
        if not inputs:
            got = ", ".join(type(x).__name__ for x in primals) or "no argument"
            expected = "expected floating numbers to differentiate by"
            raise ArgumentError(caller, got=got, expected=expected, remedy="Write 2.0 for 2")
        output = fn(*args)
    outputs = _outputs(caller, output)
    tape = Tape.of(*outputs)
    depending = leading_to(tape.nodes, inputs)
    if depending.isdisjoint(outputs) and not may_be_constant:
        got = "the result of fn does not depend on its arguments"
        raise GradientError(caller, got=got, remedy=NUMPY_ALL_THE_WAY)
    others = _sources(tape).difference(inputs)
    return Run(args, inputs, output, depending, is_recorded and bool(others))


def _sources(tape: Tape) -> set[Tensor]:
    """Where the gradients on a tape go: parameters, and the inputs of derivatives."""
    sources = set()
    for node in tape.nodes:
        if node.requires_grad and not any(x.requires_grad for x in node.inputs):
            sources.add(node)
    return sources


def _is_floating(x: Any) -> bool:
    dtype = getattr(x, "dtype", None)
    return isinstance(x, float) or getattr(dtype, "kind", None) in ("f", "c")


def _outputs(caller: str, output: Any) -> list[Tensor]:
    """The Tensors in what a function returned; refuse anything else."""
    outputs: list[Any] = []
    mapped(outputs.append, output)
    others = [y for y in outputs if not isinstance(y, Tensor)]
    if others or not outputs:
        kinds = [f"a {type(y).__name__}" for y in others or [output]]
        got = "fn returns None" if output is None else f"fn returns {kinds[0]}"
        expected = "expected a Tensor, or a dict, list, tuple or dataclass of them"
        raise ArgumentError(caller, got=got, expected=expected, remedy=NUMPY_ALL_THE_WAY)
    return outputs
