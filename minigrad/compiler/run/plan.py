"""Plan: a tape compiled to NumPy calls on buffers allocated once."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from operator import attrgetter
from typing import Any, NoReturn

import numpy as np

from minigrad.compiler.emit.program import Program
from minigrad.core.array import Array
from minigrad.core.inspection.text import notebook_bundle
from minigrad.core.rerun.feeds import Feeds, Leaves, Missing, listed
from minigrad.core.rerun.live import live_leaves, refresh
from minigrad.core.tensor import Tensor
from minigrad.errors import ArgumentError, StaleTapeError, UnsupportedError

from .carrying import Carrier
from .leaf_binding import Inputs
from .profile import Report, Row, profile
from .resampling import draw_again
from .results import Result
from .threads import run_calls

_assigned = attrgetter("assigned")


class Plan:
    """A compiled tape: call it for the values of its outputs, print it to see what it does.

    ``plan({leaf or name: array, ...})``. Leaves that are not fed keep their own values, read anew
    at every call: an ``assign`` or an optimizer's step between two calls is seen. The outputs are
    yours to keep, and read-only; with ``copy=True`` to write to as well. A call either happened or
    did not: Ctrl-C in the midst of it leaves the plan as it was.

    >>> import numpy as np
    >>> import minigrad as mg
    >>> x = mg.tensor([1.0, 3.0], name="x")
    >>> plan = mg.compile(mg.Tape.of(np.sum(x * x)))
    >>> float(plan()[0])
    10.0
    >>> float(plan({"x": [0.0, 2.0]})[0])
    4.0
    >>> print(plan)
    plan: 2 calls, 24 bytes of buffers; not split: ...
    product = product(x, x)    # float64[2] in b1
    sum = sum(product)    # float64[] in b2
    return sum
    """

    def __init__(
        self,
        program: Program,
        outputs: Iterable[Array],
        homes: dict[Tensor, Array],
        leaves: Leaves,
        carried: Iterable[Tensor],
        constants: list[Tensor],
        listing: list[str],
        nbytes: int,
    ) -> None:
        """Bind the leaves to the calls; ``mg.compile`` makes plans.

        program: the calls. outputs: where they write what is given out. homes: where each input is
        read. leaves: the inputs, as they may be fed. carried: those that the program's last calls
        write to. constants: leaves that were compiled in. listing: the texts of the program's
        lines. nbytes: of all buffers together.
        """
        self._inputs = Inputs(program.calls, homes)
        self._carrier = Carrier(carried, program.carrying, self._inputs)
        self._sections = program.sections
        self._rows = [Row(line.calls, line.nbytes, line.reason) for line in program.lines]
        self._results = list(map(Result, outputs))
        self._resampled: dict[Tensor, Array] = {}
        self._constants = constants
        self._versions = list(map(_assigned, constants))
        self._leaves = leaves
        self._live = live_leaves(homes)
        # one call at a time: all of them write to the same buffers
        self._lock = threading.Lock()
        self._listing = listing
        self.nbytes = nbytes

    def __call__(
        self, feeds: Feeds | None = None, *, copy: bool = False, missing: Missing = "error"
    ) -> tuple[Array, ...]:
        """Run it.

        feeds: values for leaves, each in the leaf's shape: for all inputs, or for none. Parameters,
        and the xi_t of randomized truncation, may be left out. missing: ``"recorded"`` gives the
        inputs that are left out the values they have. copy: give arrays that may be written
        to, new ones each time.

        >>> import minigrad as mg
        >>> x, y = mg.tensor(1.0, name="x"), mg.tensor(2.0, name="y")
        >>> plan = mg.compile(mg.Tape.of(x + y))
        >>> float(plan({"x": 5.0, "y": 6.0})[0]), float(plan({"x": 5.0}, missing="recorded")[0])
        (11.0, 7.0)

        Raises ArgumentError for a key that is no input or several, for inputs that are left out,
        for a value that the program cannot take; ShapeError and DTypeError for an array that does
        not fit; StaleTapeError where a constant was assigned.
        """
        arrays = self._arrays(feeds, missing)
        with self._lock:
            self._run(arrays)
            self._carrier.commit()
            if copy:
                return tuple([result.copy() for result in self._results])
            return tuple([result.array() for result in self._results])

    def _run(self, arrays: Mapping[Tensor, Array]) -> None:
        """Compute the outputs, and carry nothing."""
        self._load(arrays)
        try:
            run_calls(self._inputs.run, self._sections)
        except (IndexError, np.linalg.LinAlgError) as error:
            remedy = "What is given must lie where the program can take it"
            raise ArgumentError("plan", got=str(error), remedy=remedy) from None

    def _arrays(self, feeds: Feeds | None, missing: Missing) -> dict[Tensor, Array]:
        """What is fed, and xi_t drawn anew where none is."""
        if feeds is None:
            return self._resampled
        return self._resampled | self._leaves.arrays(feeds, missing)

    def _load(self, arrays: Mapping[Tensor, Array]) -> None:
        """Put the leaves' numbers where the calls read them."""
        refresh(self._live)
        latest = Tensor.last_assign
        if latest != self._inputs.seen:
            self._refuse_assigned()
        self._inputs.load(arrays, latest)

    def _refuse_assigned(self) -> None:
        # there may be a constant for each step: all are compared at once
        if list(map(_assigned, self._constants)) == self._versions:
            return
        pairs = zip(self._constants, self._versions, strict=True)
        _refuse_assigned(next(c for c, version in pairs if c.assigned != version))

    def resample(self, rng: np.random.Generator | int) -> None:
        """Draw new xi_t for the randomized truncation on the tape, for the calls from now on.

        rng: a generator, or a seed for one.

        >>> import numpy as np
        >>> import minigrad as mg
        >>> from minigrad.transforms import differentiate, truncate_randomly
        >>> w = mg.tensor(0.5, requires_grad=True, name="w")
        >>> h = mg.tensor(1.0, name="h_0")
        >>> for t in range(1, 4):
        ...     with mg.timestep(t):
        ...         h = np.tanh(w * h)
        >>> tape = truncate_randomly(mg.Tape.of(h), keep=0.5, rng=0)
        >>> step = mg.compile(differentiate(tape))
        >>> gradients = []
        >>> for seed in range(20):
        ...     step.resample(seed)
        ...     gradients.append(float(step()[1]))
        >>> len(set(gradients)) > 1
        True

        Raises ArgumentError where the tape has none, or does not say with what probabilities.
        """
        # in one assignment: another thread may be about to run
        self._resampled = draw_again(self._leaves.names, rng)

    @property
    def calls(self) -> int:
        """How many calls it makes."""
        return len(self._inputs.run)

    def report(self, feeds: Feeds | None = None, *, missing: Missing = "error") -> Report:
        """Time and bytes of each line of the listing, and why steps do not run all at once.

        What takes longest comes first. Runs the plan three times.
        feeds, missing: as for a call.

        >>> import numpy as np
        >>> import minigrad as mg
        >>> x = mg.tensor([1.0, 3.0], name="x")
        >>> print(mg.compile(mg.Tape.of(np.tanh(x))).report())
           time  share  calls      bytes  what
        ... 100.0%      1         16  tanh = tanh(x)    # float64[2] in b1
        ...us  in 1 calls, each timed alone

        Raises what a call raises.
        """
        arrays = self._arrays(feeds, missing)
        # without the heading and what is returned
        texts = self._listing[1:-1]
        with self._lock:
            return profile(self._inputs.run, self._rows, texts, lambda: self._load(arrays))

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of the leaves that may be fed."""
        return tuple(self._leaves.names.values())

    @property
    def state(self) -> dict[str, Array]:
        """What is carried from call to call, by name, as copies; to be assigned, in part too.

        The leaves hold it: an ``assign`` to one of them, or another plan that carries it, changes
        it.

        >>> import minigrad as mg
        >>> h = mg.tensor(1.0, name="h")
        >>> plan = mg.compile(mg.Tape.of(2 * h), carry={"h": "multiply"})
        >>> plan(), plan.state
        ((), {'h': array(2.)})
        >>> plan.state = {"h": 5.0}
        >>> plan(), h.item()
        ((), 10.0)

        Raises, where it is assigned, ArgumentError for what is not carried, ShapeError and
        DTypeError for an array that does not fit: then nothing has changed.
        """
        names = self._leaves.names
        with self._lock:
            return {names[leaf]: array for leaf, array in self._carrier.state().items()}

    @state.setter
    def state(self, values: Feeds) -> None:
        arrays = self._leaves.arrays(values, "recorded")
        for leaf in arrays:
            if leaf not in self._carrier.leaves:
                got = f"'{leaf.label}' is not carried"
                names = [self._leaves.names[x] for x in self._carrier.leaves]
                raise ArgumentError("plan: state", got=got, expected=f"carried: {listed(names)}")
        with self._lock:
            self._carrier.assign(arrays)

    def _note(self, text: str) -> None:
        """Add to what ``print(plan)`` says first."""
        head, *lines = self._listing
        first, *constants = head.split("\n")
        self._listing = ["\n".join([f"{first}; {text}", *constants]), *lines]

    def __str__(self) -> str:
        # the lines of all shards but the first are empty
        return "\n".join([line for line in self._listing if line])

    def __repr__(self) -> str:
        size = f"{self.calls} calls, {self.nbytes:,} bytes of buffers"
        return f"Plan({size}, inputs {', '.join(self.inputs)})"

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return notebook_bundle("plan", self, str(self))

    def __reduce__(self) -> NoReturn:
        got = "a Plan, which is memory and calls on it"
        remedy = "Pickle the parameters, record and compile again"
        raise UnsupportedError("pickle or copy", got=got, remedy=remedy)


def _refuse_assigned(constant: Tensor) -> NoReturn:
    got = f"'{constant.label}' without a name was assigned a new value after it was compiled in"
    remedy = "Give it a name to make it an input: tensor(..., name='x')"
    raise StaleTapeError("plan", got=got, remedy=remedy, where=constant.where)
