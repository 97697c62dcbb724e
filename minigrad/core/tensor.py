"""Tensor: a value and how it came to be. NumPy's own functions record themselves through its dispatch protocols."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from minigrad.errors import (
    DTypeError,
    GradientError,
    MinigradError,
    MissingError,
    ShapeError,
    refusal,
)
from minigrad.ops import COMPOSED, OPS, op_name
from minigrad.ops.elementwise import cast
from minigrad.ops.indexing import getitem, split_index
from minigrad.source import Place, describe, serials, stamp, user_place

from .array import Array, Method, constant, frozen, own, plain
from .dispatch import composed, outside
from .peeks import look
from .scope import recording

__all__ = ["Array", "Tensor", "frozen", "passes", "record", "tensor"]


def _method(fn: Any) -> Method:
    return lambda self, *args, **kwargs: record(fn, (self, *args), kwargs)


def _operator(fn: Method) -> tuple[Method, Method]:
    return lambda a, b: record(fn, (a, b), {}), lambda b, a: record(fn, (a, b), {})


class Tensor:
    """A read-only array that remembers the function, inputs, time step and source line it came from.

    Make one with :func:`tensor`; every NumPy function applied to it makes the others.
    """

    __slots__ = (
        "__weakref__",
        "_array",
        "assigned",
        "born",
        "cut",
        "fn",
        "form",
        "grad",
        "inputs",
        "kwargs",
        "name",
        "peeked",
        "place",
        "requires_grad",
        "segment",
        "serial",
        "swept",
        "time",
    )
    backward: ClassVar[Method]  # asking for gradients is backward.py's: it adds the method
    item: ClassVar[Method]  # and what else reads the value is reading.py's
    __float__: ClassVar[Method]
    __int__: ClassVar[Method]
    __index__: ClassVar[Method]
    last_assign: ClassVar[int] = -1  # serial of the last assign() to any Tensor

    def __init__(
        self,
        data: Array,
        requires_grad: bool = False,
        name: str | None = None,
        fn: Method | None = None,
        inputs: tuple[Tensor, ...] = (),
        kwargs: dict[str, Any] | None = None,
        like: Tensor | None = None,
    ) -> None:
        """The engine's constructor: takes data over as it is; ``like`` lends its serial, step and line."""
        self._array = data
        self.requires_grad = requires_grad
        self.name = name
        self.fn = fn
        self.inputs = inputs
        self.kwargs = {} if kwargs is None else kwargs
        self.grad: Array | None = None
        self.assigned = -1  # serial of the last assign()
        self.swept = False  # by loss.backward()
        self.cut = ""  # by what a result became a leaf
        self.form: Any = None  # in place of an array, where the value was dropped: see recompute.py
        self.segment: Any = None  # with which it is recomputed
        self.peeked: tuple[int, Place] | None = None  # when and where Python looked at the value
        self.time: int | None
        self.place: Place
        self.serial = self.born = next(serials)
        if like is None:
            self.time, place = stamp.get()
            self.place = place or user_place(
                skip=3 if fn else 2
            )  # __init__, record and an operator are ours
        else:
            self.serial, self.time, self.place = like.serial, like.time, like.place

    def with_inputs(self, inputs: tuple[Tensor, ...]) -> Tensor:
        """This node reading other inputs of equal value; itself where nothing differs."""
        if all(a is b for a, b in zip(inputs, self.inputs, strict=True)):
            return self
        copy = self.copied(inputs)
        copy.requires_grad = passes(self.fn, inputs)
        return copy

    def copied(self, inputs: tuple[Tensor, ...]) -> Tensor:
        """A copy of this node that reads other inputs, of equal value, which need a gradient where its own do."""
        copy = Tensor(
            self.form or self._array,
            self.requires_grad,
            self.name,
            self.fn,
            inputs,
            self.kwargs,
            self,
        )
        copy.peeked, copy.segment = self.peeked, self.segment
        if self.form is not None:
            copy.drop(self.form, self.segment)
        return copy

    def drop(self, form: Any, segment: Any) -> None:
        """Forget the value: reading it recomputes it."""
        self.form, self.segment = form, segment
        del self._array

    # --- what it is -------------------------------------------------------------------------------------------------
    shape = property(lambda self: (self.form or self._array).shape)
    dtype = property(lambda self: (self.form or self._array).dtype)
    ndim = property(lambda self: (self.form or self._array).ndim)
    size = property(lambda self: (self.form or self._array).size)
    op = property(
        lambda self: op_name(self.fn) if self.fn else "leaf",
        doc="The function that made it, by name.",
    )
    origin = property(
        lambda self: describe(None, self.place),
        doc="``file:line`` of the user's code that made it.",
    )
    recomputed = property(
        lambda self: self.form is not None or (self.segment is not None and self.segment.again),
        doc="Whether its value was dropped, to be recomputed in backward; or whether it is such a recomputation.",
    )
    where = property(
        lambda self: describe(self.time, self.place), doc="``t=3, train.py:41``, for messages."
    )

    @property
    def data(self) -> Array:
        """The value, a read-only array. A leaf's is one array for life: assign() changes what it shows."""
        return self._array

    @data.setter
    def data(self, value: Any) -> None:
        remedy = "Write w.assign(w.data - ...), or use minigrad.optim"
        raise GradientError("data", got=f"'{self.label}' is read-only", remedy=remedy)

    @property
    def label(self) -> str:
        """Its name, or its operation and time step: ``h_3``, ``tanh@3``; a recomputed one's ``h_3'``, ``tanh@3'``."""
        kind = self.op if self.fn else "parameter" if self.requires_grad else "constant"
        again = "'" if self.segment is not None and self.segment.again else ""
        return self.name or (kind if self.time is None else f"{kind}@{self.time}") + again

    def named(self, name: str) -> Self:
        """Set the name by which drawings, listings, errors and the debugger call it; returns itself."""
        self.name = name
        return self

    def numpy(self) -> Array:
        """A copy of the value, yours to change."""
        return self._array.copy()

    def detach(self) -> Tensor:
        """A leaf with a copy of the value that has forgotten how it came to be: the state to carry to the next batch.

        To cut a gradient inside one computation use ``minigrad.detach``, a gate that the tape remembers.
        """
        leaf = Tensor(frozen(self._array.copy()), name=self.name)
        leaf.cut = ".detach()" if self.requires_grad else self.cut
        return leaf

    def assign(self, array: npt.ArrayLike) -> None:
        """Write a new value of the same shape into a leaf; tapes recorded before can no longer go backward through it.

        Whoever holds the leaf's ``data``, or a view of it, sees the new value: ``numpy()`` is the copy to keep.
        """
        if self.fn is not None:
            raise GradientError(
                "assign",
                got=f"'{self.label}' is a result of {self.op}",
                expected="only leaves change",
            )
        new = tensor(array).data
        if new.shape != self.shape:
            raise ShapeError(
                "assign", got=f"'{self.label}' is {self.shape}, the new value {new.shape}"
            )
        np.copyto(self._writeable(), new, "unsafe")
        frozen(self._array)

    def _writeable(self) -> Array:
        """A leaf's array, to be written and frozen again: from now on the tapes that read it are stale."""
        self.assigned = Tensor.last_assign = next(serials)
        self._array.setflags(True)  # type: ignore[call-arg]  # as in frozen()
        return self._array

    # --- NumPy's protocols ------------------------------------------------------------------------------------------
    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *args: Any, **kwargs: Any) -> Any:
        return record(ufunc if method == "__call__" else getattr(ufunc, method), args, kwargs)

    def __array_function__(
        self, fn: Method, types: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        return record(fn, args, kwargs)

    def __getitem__(self, index: Any) -> Any:
        template, parts = split_index(index)
        for mask in parts:
            if type(mask) is Tensor and mask.dtype == bool:
                look(mask)  # the shape of the result
        return record(getitem, (self, *parts), {"index": template}, bound=True)

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    def __getattr__(self, name: str) -> Any:
        """Only for what is missing: a value that was dropped, or an array's method, which is a function of NumPy's."""
        if name == "_array":
            return self.segment.open().read(self)[0]
        remedy = (
            f"Write np.{name}(t)"
            if hasattr(np, name)
            else "Take t.data, read-only, or t.numpy(), a copy"
        )
        raise MissingError(
            f"Tensor.{name}", got="not there", remedy=remedy if hasattr(np.ndarray, name) else ""
        )

    def __len__(self) -> int:
        return len(self._array)

    __hash__ = object.__hash__
    __add__, __radd__ = _operator(np.add)
    __sub__, __rsub__ = _operator(np.subtract)
    __mul__, __rmul__ = _operator(np.multiply)
    __truediv__, __rtruediv__ = _operator(np.divide)
    __matmul__, __rmatmul__ = _operator(np.matmul)
    __pow__, __rpow__ = _operator(np.power)
    __mod__, __rmod__ = _operator(np.remainder)
    __floordiv__, __rfloordiv__ = _operator(np.floor_divide)
    __and__, __rand__ = _operator(np.bitwise_and)
    __or__, __ror__ = _operator(np.bitwise_or)
    __xor__, __rxor__ = _operator(np.bitwise_xor)
    __lt__, __gt__ = _operator(np.less)
    __le__, __ge__ = _operator(np.less_equal)
    __eq__, __ne__ = _operator(np.equal)[0], _operator(np.not_equal)[0]
    __neg__, __pos__, __abs__ = _method(np.negative), _method(np.positive), _method(np.absolute)
    __invert__, __round__ = _method(np.invert), _method(np.round)
    sum, mean, max, min, prod = map(_method, (np.sum, np.mean, np.max, np.min, np.prod))
    var, std, cumsum, cumprod = map(_method, (np.var, np.std, np.cumsum, np.cumprod))
    argmax, argmin, argsort, any, all = map(
        _method, (np.argmax, np.argmin, np.argsort, np.any, np.all)
    )
    swapaxes, squeeze, ravel, flatten = map(_method, (np.swapaxes, np.squeeze, np.ravel, np.ravel))
    dot, trace, diagonal, repeat, take = map(
        _method, (np.dot, np.trace, np.diagonal, np.repeat, np.take)
    )
    clip, round, conj, conjugate, copy = map(
        _method, (np.clip, np.round, np.conj, np.conj, np.copy)
    )
    nonzero, searchsorted, astype = map(_method, (np.nonzero, np.searchsorted, cast))
    T, mT = property(_method(np.transpose)), property(_method(np.matrix_transpose))  # noqa: N815  (NumPy's name)
    real, imag = property(_method(np.real)), property(_method(np.imag))

    def reshape(self, *shape: Any, **keywords: Any) -> Any:
        """np.reshape, the shape as one tuple or spread out."""
        return np.reshape(self, shape[0] if len(shape) == 1 else shape, **keywords)

    def transpose(self, *axes: Any) -> Any:
        """np.transpose, the axes as one tuple or spread out."""
        return np.transpose(self, (axes[0] if len(axes) == 1 else axes) or None)


def tensor(
    x: Any, requires_grad: bool = False, name: str | None = None, dtype: npt.DTypeLike | None = None
) -> Tensor:
    """Copy x into a new leaf.

    The dtype is the given one, else the one x carries (an array, a NumPy scalar, a Tensor), else float64.
    Raises DTypeError for complex or object data, and for a gradient of anything but floats.
    """
    carried = getattr(x, "dtype", None)
    if x is None:
        raise DTypeError(f"tensor {name!r}" if name else "tensor", got="None")
    try:
        data = plain(
            np.array(x.data if isinstance(x, Tensor) else x, dtype=dtype or carried, subok=True)
        )
        if dtype is None and carried is None and data.dtype.kind in "iub":
            data = data.astype(np.float64)
    except MinigradError:
        raise
    except (TypeError, ValueError) as error:
        raise DTypeError(f"tensor {name!r}" if name else "tensor", got=str(error)) from None
    return Tensor(own(data, name, requires_grad), requires_grad, name)


def passes(fn: Any, inputs: Sequence[Tensor]) -> bool:
    """Whether a gradient goes back through fn to any of these inputs."""
    op = OPS[fn]
    for slot, x in enumerate(inputs):  # noqa: SIM110  (any() of a generator takes three times as long)
        if x.requires_grad and op.passes(slot):
            return True
    return False


def record(fn: Method, args: tuple[Any, ...], kwargs: dict[str, Any], bound: bool = False) -> Any:
    """Apply fn to the values behind args and return the result as a Tensor that knows where it came from.

    ``bound``: args are its inputs and kwargs its keywords already.
    """
    op = OPS.get(fn)
    if op is None:
        return composed(fn, args, kwargs) if fn in COMPOSED else outside(fn, args, kwargs)
    if not bound and (kwargs or op.bind is not None or len(args) != len(op.rules)):
        args, kwargs = op.split(args, kwargs)
    inputs, values, needed = [], [], False
    try:
        for given in args:
            x = given if type(given) is Tensor else Tensor(constant(fn, given, args))
            needed = needed or x.requires_grad
            inputs.append(x)
            values.append(x._array)
        data = op.call(*values, **kwargs)
    except MinigradError:
        raise
    except (ValueError, TypeError, IndexError, OverflowError, np.linalg.LinAlgError) as error:
        raise refusal(op_name(fn), inputs, kwargs, error) from None
    data = frozen(data)
    if data.dtype.kind not in "fiub":
        own(data, fn=fn)  # refuses it
    if not recording.get():
        leaf = Tensor(
            frozen(data.copy()) if any(np.may_share_memory(data, x) for x in values) else data
        )
        leaf.cut = "no_grad()" if needed else next((x.cut for x in inputs if x.cut), "")
        return leaf
    if needed and (None in op.rules or data.dtype.kind != "f"):
        needed = data.dtype.kind == "f" and passes(fn, inputs)
    return Tensor(data, needed, None, fn, tuple(inputs), kwargs)
