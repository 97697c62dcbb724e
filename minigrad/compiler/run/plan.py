"""Plan: a tape compiled to NumPy calls on buffers allocated once."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from minigrad.compiler.emit.program import Program
from minigrad.core.tensor import Array, Tensor
from minigrad.errors import ArgumentError, DTypeError, ShapeError, StaleTapeError, UnsupportedError

from .inputs import Inputs
from .profile import report
from .threads import run


class Plan:
    """Call it with {leaf or name: array} for the outputs' arrays; print it to see what it does.

    The outputs are read-only and **valid until the next call** or report, which writes over them; ``copy=True`` gives
    arrays that are yours. Leaves that are not given keep their own values, read anew at every call: an ``assign`` or
    an optimizer's step between two calls is seen.
    """

    def __init__(
        self,
        program: Program,
        outputs: tuple[Array, ...],
        homes: dict[Tensor, Array],
        constants: list[Tensor],
        listing: list[str],
        size: int,
    ) -> None:
        self._inputs, self._sections = Inputs(program.calls, outputs, homes), program.sections
        self._rows = [(line.calls, line.nbytes, line.why) for line in program.lines]
        self._outputs = tuple(_read_only(o) for o in outputs)
        self._drawn: dict[Tensor, Array] = {}  # resampled xi_t
        self._frozen = [(leaf, leaf.assigned) for leaf in constants]
        self._names, self._leaves = _names(homes), frozenset(homes)
        self._lock = threading.Lock()
        self._listing = listing
        self.nbytes = size

    def __call__(
        self, feeds: Mapping[Tensor | str, npt.ArrayLike] | None = None, *, copy: bool = False
    ) -> tuple[Array, ...]:
        """Run it.

        Raises ArgumentError for a key that is no input or a value that the program cannot take, ShapeError and
        DTypeError for an array that does not fit, StaleTapeError where a constant was assigned.
        """
        given = self._drawn | (self._checked(feeds) if feeds is not None else {})
        with self._lock:
            self._load(given)
            try:
                run(self._inputs.run, self._sections)
            except (IndexError, np.linalg.LinAlgError) as error:
                remedy = "What is given must lie where the program can take it"
                raise ArgumentError("plan", got=str(error), remedy=remedy) from None
            return tuple(o.copy() for o in self._outputs) if copy else self._outputs

    def _load(self, given: Mapping[Tensor, Array]) -> None:
        """Put the leaves' numbers where the calls read them."""
        for constant, version in self._frozen:
            if constant.assigned != version:
                _refuse_assigned(constant)
        self._inputs.load(given)

    def resample(self, rng: np.random.Generator | int) -> None:
        """Draw new xi_t for the randomized truncation on the tape, from now on, without compiling again.

        Raises ArgumentError where the tape has none, or does not say with what probabilities.
        """
        try:
            rng = np.random.default_rng(rng)
        except (TypeError, ValueError):
            raise ArgumentError(
                "resample", got=repr(rng), expected="expected a generator or a seed"
            ) from None
        leaves = [leaf for leaf in self._names.values() if "keep" in leaf.kwargs]
        keep: dict[Any, dict[int, float]] = {}  # by the truncation that drew them
        for leaf in leaves:
            keep.setdefault(leaf.kwargs["draw"], {}).update(leaf.kwargs["keep"])
        if not keep:
            got, expected = (
                "no xi_t with known probabilities on the tape",
                "truncate_randomly(..., reweight=True) has",
            )
            raise ArgumentError("resample", got=got, expected=expected)
        xi = {
            draw: {t: (rng.random() < its[t]) / its[t] for t in sorted(its)}
            for draw, its in keep.items()
        }
        self._drawn = {  # at once: another thread may be about to run
            leaf: np.array(
                np.prod([xi[leaf.kwargs["draw"]][t] for t in leaf.kwargs["keep"]]), leaf.dtype
            )
            for leaf in leaves
        }

    def report(self, feeds: Mapping[Tensor | str, npt.ArrayLike] | None = None) -> str:
        """Time and bytes of each line of the listing, what takes longest first, and why something is not batched."""
        given = self._drawn | (self._checked(feeds) if feeds is not None else {})
        with self._lock:
            return report(
                self._inputs.run, self._rows, self._listing[1:-1], lambda: self._load(given)
            )

    def _checked(self, feeds: Mapping[Tensor | str, npt.ArrayLike]) -> dict[Tensor, Array]:
        """The arrays by leaf."""
        if not isinstance(feeds, Mapping):
            raise ArgumentError(
                "plan",
                got=f"a {type(feeds).__name__}",
                expected="expected {leaf or name: array, ...}",
            )
        given = {}
        for key, value in feeds.items():
            leaf: Any = self._names.get(key) if isinstance(key, str) else key
            if leaf not in self._leaves:
                got = (
                    f"{key!r} is no input"
                    if isinstance(key, str)
                    else f"'{getattr(key, 'label', key)}' is no input"
                )
                names = ", ".join(self._names) or "none"
                remedy = "Name a leaf to make it an input: tensor(..., name='x')"
                raise ArgumentError(
                    "plan", got=got, expected=f"its inputs are {names}", remedy=remedy
                )
            array = _array(leaf, value)
            if array.shape != leaf.shape:
                raise ShapeError(
                    "plan",
                    got=f"'{leaf.label}' is {array.shape}",
                    expected=f"expected {leaf.shape}",
                )
            if array.dtype != leaf.dtype and not np.can_cast(array.dtype, leaf.dtype, "same_kind"):
                raise DTypeError(
                    "plan",
                    got=f"'{leaf.label}' is {array.dtype}",
                    expected=f"expected {leaf.dtype}",
                )
            given[leaf] = array
        return given

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of what may be given."""
        return tuple(self._names)

    def __str__(self) -> str:
        return "\n".join(line for line in self._listing if line)

    def __repr__(self) -> str:
        return f"Plan({len(self._inputs.run)} calls, {self.nbytes:,} bytes of buffers, inputs {', '.join(self._names)})"

    def __reduce__(self) -> NoReturn:
        remedy = "Pickle the parameters, record and compile again"
        raise UnsupportedError(
            "pickle or copy", got="a Plan, which is memory and calls on it", remedy=remedy
        )


def _array(leaf: Tensor, value: Any) -> Array:
    if type(value) is np.ndarray:
        return value
    try:
        return np.asarray(value.data if isinstance(value, Tensor) else value)
    except ValueError:
        raise ShapeError(
            "plan", got=f"'{leaf.label}' is no array", expected=f"expected {leaf.shape}"
        ) from None


def _read_only(x: Array) -> Array:
    view = x.view()
    view.setflags(write=False)
    return view


def _names(leaves: Mapping[Tensor, Any]) -> dict[str, Tensor]:
    """The leaves by name, unique as on the tape: the second W is ``W#2``."""
    count: Counter[str] = Counter()
    found: dict[str, Tensor] = {}
    for leaf in leaves:
        name = leaf.label
        while name in found:
            count[leaf.label] += 1
            name = f"{leaf.label}#{count[leaf.label] + 1}"
        found[name] = leaf
    return found


def _refuse_assigned(constant: Tensor) -> NoReturn:
    got = f"'{constant.label}' without a name was assigned a new value after it was compiled in"
    remedy = "Give it a name to make it an input: tensor(..., name='x')"
    raise StaleTapeError("plan", got=got, remedy=remedy, where=constant.where)
