"""``mg.roll_any``: one rolled program for every number of steps, from a few short recordings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from minigrad.compiler.rolled.program_text import as_text
from minigrad.compiler.rolled.rolled import Rolled, roll
from minigrad.compiler.rolled.rolled_program import Form, Program
from minigrad.core.array import Array
from minigrad.core.rerun.feeds import Feeds, Leaves, Missing, listed
from minigrad.core.tape import Tape
from minigrad.core.tensor import Tensor
from minigrad.errors import ArgumentError, ShapeError, UnsupportedError
from minigrad.source import describe

from .laws import SAMPLES, Law, UnlikeError, law_of

Build = Callable[[int], Tape]
# shorter recordings have ends that meet, and constants so short that equal ones are made one
MIN_STEPS = 20
# of what goes by several steps, so many times these
MIN_PERIODS = 4


class Leaf(NamedTuple):
    """An input as it is recorded."""

    name: str
    label: str
    form: Form
    requires_grad: bool


class _Laws(NamedTuple):
    """What everything is at the lengths first, first + step, first + 2 step, ...

    arrays: the recorded values of inputs by name; those that follow no law are not there. tensors:
    inputs that are the same at all lengths.
    """

    first: int
    step: int
    program: Law
    leaves: Law
    arrays: dict[str, Law]
    tensors: dict[str, Tensor]


class RolledFamily:
    """The rolled programs of a loop of T steps, for every T. ``mg.roll_any`` makes it.

    first: lengths from here on are not recorded. step: those that differ by it are alike.

    >>> import numpy as np
    >>> import minigrad as mg
    >>> def build(T):
    ...     x = mg.tensor(np.zeros(T), name="x")
    ...     return mg.Tape.of(np.mean(x * x))
    >>> family = mg.roll_any(build)
    >>> float(family({"x": np.full(500, 3.0)})[0])
    9.0
    >>> family.at(1000).program.forms["x"].shape
    (1000,)
    """

    def __init__(self, build: Build, step: int) -> None:
        """build: records the tape of T steps. step: lengths that differ by it are alike."""
        self._build = build
        self.step = step
        self.first = max(MIN_STEPS, MIN_PERIODS * step)
        self._laws: dict[int, _Laws] = {}
        self._shapes = self._laws_of(self.first).leaves

    def at(self, T: int, feeds: Feeds | None = None) -> Rolled:
        """The program of T steps, as ``mg.roll(build(T))`` gives it, without recording it.

        feeds: values that its inputs have where they are not fed. Of inputs whose recorded values
        follow no law, such as data of T steps, there are none else, and they must be fed. A T
        below ``family.first`` is recorded.

        Raises ArgumentError for a T that is no number of steps, UnsupportedError as ``roll_any``
        does (lengths are looked at once for every remainder of T / step), and what a plan raises
        for feeds.
        """
        if not isinstance(T, (int, np.integer)) or isinstance(T, bool) or T < 1:
            raise ArgumentError(
                "at", got=f"T={T!r}", expected="expected a number of steps, 1 or more"
            )
        T = int(T)
        if self.first > T:
            rolled = roll(self._build(T))
            return rolled if feeds is None else rolled.with_values(feeds)
        laws = self._laws_of(T)
        k = (T - laws.first) // laws.step
        program = Program(*laws.program(k))
        names: dict[Tensor, str] = {}
        unknown = set()
        for leaf in laws.leaves(k):
            names[_as_tensor(leaf, laws, k)] = leaf.name
            if leaf.name not in laws.arrays:
                unknown.add(leaf.name)
        rolled = Rolled(program, Leaves("rolled program", names, names), frozenset(unknown))
        return rolled if feeds is None else rolled.with_values(feeds)

    def __call__(self, feeds: Feeds, *, missing: Missing = "error") -> tuple[Array, ...]:
        """The outputs, by NumPy, for as many steps as the arrays that are fed have.

        feeds, missing: as for a plan. Raises what ``length`` and ``at`` raise.
        """
        return self.at(self.length(feeds))(feeds, missing=missing)

    def length(self, feeds: Feeds) -> int:
        """How many steps the arrays have that are fed, by name.

        Raises ArgumentError where none of them depends on it, ShapeError where they differ.
        """
        shapes = {leaf.name: leaf.form.shape for leaf in self._shapes(0)}
        longer = {leaf.name: leaf.form.shape for leaf in self._shapes(1)}
        lengths: dict[str, int] = {}
        for name, value in feeds.items():
            if not isinstance(name, str) or name not in longer or name not in shapes:
                continue
            shape = np.shape(value)
            for fed, start, after in zip(shape, shapes[name], longer[name], strict=False):
                if after != start:
                    lengths[name] = self.first + (fed - start) * self.step // (after - start)
        if not lengths:
            got = "nothing is fed whose shape says how many steps"
            growing = [name for name in shapes if shapes[name] != longer.get(name)]
            expected = f"expected one of {listed(growing)}"
            raise ArgumentError("family", got=got, expected=expected, remedy="Or say family.at(T)")
        if len(set(lengths.values())) > 1:
            steps = [f"'{name}' has {T} steps" for name, T in lengths.items()]
            raise ShapeError("family", got=listed(steps), expected="expected one number")
        return next(iter(lengths.values()))

    def _laws_of(self, T: int) -> _Laws:
        """The laws of the lengths with T's remainder, looked at when they are first asked for."""
        remainder = (T - self.first) % self.step
        if remainder not in self._laws:
            self._laws[remainder] = _laws(self._build, self.first + remainder, self.step)
        return self._laws[remainder]

    def __repr__(self) -> str:
        names = [leaf.name for leaf in self._shapes(0)]
        return f"RolledFamily(any T, inputs {listed(names)})"


def roll_any(build: Build, step: int = 1) -> RolledFamily:
    """Roll a loop up for any number of steps: record a few short ones, and none that is long.

    build: records the tape of T steps, ``build(T)``. From four recordings (T = 20, 21, 22 and 25)
    every number of the program, its constants, shapes and names are found to be constant, affine
    in T or a power of that, 1/T among others; three of them decide, the fourth must agree. What
    happens beyond, as ``if T > 100`` would, is not seen. step: what goes by several steps is alike
    at lengths that differ by it: ``transforms.truncate(every=k)`` by k or 2 k, ``window=w`` by
    2 w (w + 1). Any T may be asked for all the same: every remainder is looked at by itself.

    >>> import numpy as np
    >>> import minigrad as mg
    >>> w = mg.tensor(0.5, requires_grad=True, name="w")
    >>> def build(T):
    ...     X, h = mg.tensor(np.zeros(T), name="X"), mg.tensor(0.0)
    ...     for t in range(1, T + 1):
    ...         with mg.timestep(t):
    ...             h = np.tanh(w * h + X[t - 1]).named(f"h_{t}")
    ...     return mg.transforms.differentiate(mg.Tape.of(h))
    >>> family = mg.roll_any(build)
    >>> print(str(family.at(10_000)).splitlines()[2])
    for t = 0..9999:
    >>> loss, gradient = family({"X": np.full(100, 0.1)})
    >>> float(loss), float(gradient)
    (0.194..., 0.361...)

    Raises UnsupportedError where something follows no law, with its name, its line and what it was
    at each length; ArgumentError for a step below 1, and what ``mg.roll`` raises.
    """
    if not isinstance(step, int) or isinstance(step, bool) or step < 1:
        raise ArgumentError("roll_any", got=f"step={step!r}", expected="expected 1 or more")
    if not callable(build):
        got = f"a {type(build).__name__}"
        raise ArgumentError(
            "roll_any", got=got, expected="expected a function of T that gives a tape"
        )
    return RolledFamily(build, step)


# --- from recordings to laws ----------------------------------------------------------------------
def _laws(build: Build, first: int, step: int) -> _Laws:
    lengths = [first + k * step for k in SAMPLES]
    samples = [roll(build(T)) for T in lengths]
    try:
        program = law_of([_fields(x.program) for x in samples])
        leaves = law_of(list(map(_inputs, samples)))
    except UnlikeError as error:
        raise _refusal(error, [x.program for x in samples], lengths) from None
    arrays: dict[str, Law] = {}
    tensors = {}
    for name, alike in _inputs_of_all(samples).items():
        try:
            arrays[name] = law_of([leaf.data for leaf in alike])
        except UnlikeError:
            continue
        if len({leaf.shape for leaf in alike}) == 1:
            tensors[name] = alike[0]
    return _Laws(first, step, program, leaves, arrays, tensors)


def _inputs(rolled: Rolled) -> list[Leaf]:
    return [_as_leaf(leaf, name) for leaf, name in rolled.leaves.items()]


def _inputs_of_all(samples: list[Rolled]) -> dict[str, list[Tensor]]:
    """Inputs by name, of each the Tensor at every length."""
    tensors = defaultdict[str, list[Tensor]](list)
    for rolled in samples:
        for leaf, name in rolled.leaves.items():
            tensors[name].append(leaf)
    return {name: alike for name, alike in tensors.items() if len(alike) == len(samples)}


def _fields(program: Program) -> list[Any]:
    """All of a program but where it comes from."""
    return [program.inputs, program.constants, program.blocks, program.outputs, program.forms]


def _as_leaf(leaf: Tensor, name: str) -> Leaf:
    return Leaf(name, leaf.label, Form(leaf.shape, leaf.dtype), leaf.requires_grad)


def _as_tensor(leaf: Leaf, laws: _Laws, k: int) -> Tensor:
    """An input at the k-th length; one without values has a stand-in that takes no memory."""
    if leaf.name in laws.tensors:
        return laws.tensors[leaf.name]
    array = np.broadcast_to(np.zeros((), leaf.form.dtype), leaf.form.shape)
    if leaf.name in laws.arrays:
        array = laws.arrays[leaf.name](k)
    return Tensor(array, leaf.requires_grad, leaf.label)


def _refusal(error: UnlikeError, programs: list[Program], lengths: list[int]) -> UnsupportedError:
    """What follows no law: its name, what it is at each length, its line."""
    name = error.name or _name_of_one_alone(programs)
    given = ", ".join(map(as_text, error.samples))
    at = ", ".join(map(str, lengths))
    place = programs[0].lines.get(name)
    return UnsupportedError(
        f"roll_any: '{name}'",
        got=f"{given} at T = {at}",
        expected="expected the same, or what grows evenly",
        remedy="Say step=k, or a multiple, for what repeats every k steps; name data of T steps",
        where=None if place is None else describe(None, place),
    )


def _name_of_one_alone(programs: list[Program]) -> str:
    """The first call that the programs of two lengths do not both have."""
    first, second = [list(x.calls()) for x in programs[:2]]
    names = [call.name for call in first]
    others = [call.name for call in second]
    alone = [name for name in names if name not in others]
    alone += [name for name in others if name not in names]
    return [*alone, *names, "program"][0]
