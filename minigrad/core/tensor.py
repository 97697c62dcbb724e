"""Tensor: a value and how it came to be.

NumPy's own functions record themselves through its dispatch protocols.
"""

# mypy: disable-error-code="override, assignment"
from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from minigrad.errors import GradientError
from minigrad.ops import OPS, op_name
from minigrad.ops.elementwise import cast
from minigrad.ops.indexing import getitem, split_index
from minigrad.source import Place, describe, running_stamp, serials, stamp, user_place

from . import convert, versions
from .array import Array, Method, constant, frozen, leaf_array, own
from .gates import CLOSED
from .scope import recording, records

__all__ = ["Array", "Tensor", "frozen", "passes", "record", "tensor"]

Recorded = Callable[..., "Tensor"]
if TYPE_CHECKING:
    # NumPy's stubs know no __array_function__: of an array-like its functions give arrays, and only
    # of its own scalars what is assigned to a Tensor
    Base = np.object_
else:
    Base = object


def method(fn: Any, name: str = "") -> Recorded:
    """The method that records a NumPy function of the tensor, under its name or another."""

    def recorded(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        return record(fn, (self, *args), kwargs)  # type: ignore[no-any-return]

    return _documented(recorded, fn, name or fn.__name__)


def operator(fn: np.ufunc, name: str, swapped: str = "") -> tuple[Recorded, Recorded, Recorded]:
    """The methods for an operator: the tensor on its left, on its right, and ``x += y``."""

    def left(self: Tensor, other: Any) -> Tensor:
        return record(fn, (self, other), {})  # type: ignore[no-any-return]

    def right(self: Tensor, other: Any) -> Tensor:
        return record(fn, (other, self), {})  # type: ignore[no-any-return]

    def augmented(self: Tensor, other: Any) -> Tensor:
        # x = x + y, which would leave a parameter as it was
        if self.requires_grad and self.fn is None:
            raise convert.long_refusals().augmented_parameter(self, fn)
        return record(fn, (self, other), {})  # type: ignore[no-any-return]

    return (
        _documented(left, fn, f"__{name}__"),
        _documented(right, fn, f"__{swapped or 'r' + name}__"),
        _documented(augmented, fn, f"__i{name}__"),
    )


def _documented(recorded: Recorded, fn: Any, name: str) -> Recorded:
    """The method under its own name, with the first sentence of what NumPy says of the function."""
    recorded.__name__ = name
    recorded.__qualname__ = f"Tensor.{name}"
    recorded.__doc__ = f"np.{fn.__name__} of this tensor, recorded."
    for paragraph in (fn.__doc__ or "").strip().split("\n\n"):
        # NumPy's ufuncs begin with their signature
        if not paragraph.startswith(f"{fn.__name__}("):
            recorded.__doc__ = f"np.{fn.__name__}: {paragraph}"
            break
    return recorded


class Tensor(Base):  # type: ignore[misc]
    """A read-only array that remembers the function, inputs, time step and line it came from.

    Make one with :func:`tensor`; every NumPy function applied to it makes the others.

    >>> import numpy as np
    >>> import minigrad as mg
    >>> x = mg.tensor([1.0, 2.0], requires_grad=True, name="x")
    >>> y = np.sum(x * x)
    >>> y.backward()
    >>> x.grad
    array([2., 4.])
    """

    __slots__ = (
        *("_array", "requires_grad", "name", "fn", "inputs", "kwargs", "grad"),
        *("serial", "born", "time", "place"),
        *("cut", "off_tape", "swept", "asked", "assigned", "peeked", "reads"),
        *("form", "segment", "__weakref__"),
    )
    last_assign: ClassVar[int] = -1
    """The serial of the last assign() to any Tensor."""
    last_read: ClassVar[int] = -1
    """The serial of the last reading, as a number, of any Tensor that needs a gradient."""

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
        """The engine's constructor: takes data over as it is.

        ``like`` lends its serial, step and line.
        """
        self._array = data
        self.requires_grad = requires_grad
        self.name = name
        self.fn = fn
        self.inputs = inputs
        self.kwargs = {} if kwargs is None else kwargs
        if fn is None:
            # of a result there is none: reading it says how to get it
            self.grad: Array | None = None
        # kept for errors: by what a result became a leaf, ".detach()" or "no_grad()"
        self.cut = ""
        # kept for compile and replay: by what a value of inputs became a leaf
        self.off_tape = ""
        # kept for backward(): which one went through, counted from 1; below 0 if it may again
        self.swept = 0
        # kept for finished.py: whether its gradient was asked for, or backward() of it
        self.asked = False
        # kept for versions.py: the serial of the last assign()
        self.assigned = -1
        # kept for compile: when and where Python looked at the value
        self.peeked: tuple[int, Place] | None = None
        # kept for inspection/reads.py: where Python took it as a number, and when last
        self.reads: dict[Any, Any] | None = None
        # kept for recompute.py: what is known of a dropped value, and with what it is recomputed
        self.form: Any = None
        self.segment: Any = None
        self.time: int | None = None
        self.place: Place = None
        # two: copies and gates get the serial of their original, to stand where it stood
        self.serial = self.born = next(serials)
        if like is None:
            # the question costs more than the answer that there is none
            if stamp.get() is not None:
                self.time, self.place = running_stamp()
            # __init__, record and a method are ours
            self.place = self.place or user_place(skip=3 if fn else 2)
        else:
            self.serial, self.time, self.place = like.serial, like.time, like.place

    # --- what it is -------------------------------------------------------------------------------
    @property
    def data(self) -> Array:
        """The value, a read-only array.

        A leaf's is one array for life: assign() changes what it shows.
        """
        return self._array

    @data.setter
    def data(self, value: Any) -> None:
        remedy = "Write w.assign(w.data - ...), or use minigrad.optim"
        raise GradientError("data", got=f"'{self.label}' is read-only", remedy=remedy)

    @property
    def shape(self) -> tuple[int, ...]:
        """The length of each axis."""
        return (self.form or self._array).shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the elements."""
        return (self.form or self._array).dtype

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return (self.form or self._array).ndim

    @property
    def size(self) -> int:
        """The number of elements."""
        return (self.form or self._array).size

    @property
    def op(self) -> str:
        """The name of the function that made it; ``leaf`` where none did."""
        return op_name(self.fn) if self.fn else "leaf"

    @property
    def label(self) -> str:
        """Its name, or its operation and time step: ``h_3``, ``tanh@3``; recomputed ``tanh@3'``."""
        if self.name:
            return self.name if self.name.isprintable() else repr(self.name)[1:-1]
        label = self.op
        if self.fn is None:
            label = "parameter" if self.requires_grad else "constant"
        if self.time is not None:
            label = f"{label}@{self.time}"
        if self.segment is not None and self.segment.again:
            label += "'"
        return label

    @property
    def recomputed(self) -> bool:
        """Whether its value was dropped, to be recomputed in backward, or is recomputed there."""
        return self.form is not None or (self.segment is not None and self.segment.again)

    @property
    def origin(self) -> str:
        """``file:line`` of the user's code that made it."""
        return describe(None, self.place)

    @property
    def where(self) -> str:
        """``t=3, train.py:41``, for messages."""
        return describe(self.time, self.place)

    def named(self, name: str) -> Self:
        """Set the name by which drawings, listings, errors and the debugger call it.

        Returns itself.

        >>> import minigrad as mg
        >>> (mg.tensor(2.0) * 3).named("six").label
        'six'
        """
        self.name = name
        return self

    # --- gradients, and values for Python ---------------------------------------------------------
    def backward(self, gradient: npt.ArrayLike | None = None, retain_graph: bool = False) -> None:
        """Add the gradient of this scalar to the ``grad`` of every leaf that needs one.

        ``gradient`` is the cotangent to start from, in the shape of this tensor (default: 1 for a
        scalar).

        >>> import minigrad as mg
        >>> x = mg.tensor(3.0, requires_grad=True)
        >>> (x * x).backward()
        >>> float(x.grad)
        6.0

        Raises GradientError where an earlier call already went through (part of) the graph, unless
        ``retain_graph``, and where there is no way back; StaleTapeError where a parameter was
        assigned in between.
        """
        # the one import upwards: asking for gradients stands above what is asked
        from .gradient import backward

        backward(self, gradient, retain_graph)

    def detach(self) -> Tensor:
        """A leaf with a copy of the value that has forgotten how it came to be.

        So state is carried to the next batch.

        To cut a gradient inside one computation use ``minigrad.detach``, a gate that the tape
        remembers.

        >>> import minigrad as mg
        >>> h = mg.tensor(1.0, requires_grad=True) * 2
        >>> h.detach().requires_grad
        False
        """
        from .rerun.off_tape import mark

        return mark(Tensor(frozen(self._array.copy()), name=self.name), [self], ".detach()")

    assign = versions.assign
    item = convert.item
    numpy = convert.numpy
    __bool__ = convert.as_bool
    __contains__ = convert.contains
    __dir__ = convert.attributes
    __float__ = convert.as_float
    __format__ = convert.formatted
    __index__ = convert.as_index
    __int__ = convert.as_int
    __repr__ = convert.as_text
    __setitem__ = convert.refuse_item
    _repr_mimebundle_ = convert.in_notebook

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickled and copied, a leaf is a new leaf: serials mean nothing in another process."""
        if self.fn is not None:
            raise convert.long_refusals().pickling(self)
        kept = {"grad": self.grad}
        return tensor, (self._array, self.requires_grad, self.name), (None, kept)

    # a type checker would take it for a promise that every attribute is there
    if not TYPE_CHECKING:
        __array__ = convert.as_array

        def __getattr__(self, name: str) -> Any:
            """Only for what is missing: a dropped value, or what arrays have and Tensors do not."""
            if name == "_array":
                return self.segment.open().read(self)[0]
            raise convert.long_refusals().missing(self, name)

    def __len__(self) -> int:
        if self.ndim == 0:
            raise convert.long_refusals().no_axes(self)
        return self.shape[0]

    def __iter__(self) -> Iterator[Tensor]:
        return (self[i] for i in range(len(self)))

    # --- NumPy's protocols, operators and methods -------------------------------------------------
    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *args: Any, **kwargs: Any) -> Any:
        fn = ufunc if method == "__call__" else getattr(ufunc, method)
        return record(fn, args, kwargs)

    def __array_function__(
        self, fn: Method, types: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        return record(fn, args, kwargs)

    def __getitem__(self, index: Any) -> Tensor:
        template, parts = split_index(index)
        for mask in parts:
            if type(mask) is Tensor and mask.dtype == bool:
                # it decides the shape of the result
                convert.look(mask)
        result: Tensor = record(getitem, (self, *parts), {"index": template}, bound=True)
        return result

    __hash__ = object.__hash__
    __add__, __radd__, __iadd__ = operator(np.add, "add")
    __sub__, __rsub__, __isub__ = operator(np.subtract, "sub")
    __mul__, __rmul__, __imul__ = operator(np.multiply, "mul")
    __truediv__, __rtruediv__, __itruediv__ = operator(np.divide, "truediv")
    __matmul__, __rmatmul__, __imatmul__ = operator(np.matmul, "matmul")
    __pow__, __rpow__, __ipow__ = operator(np.power, "pow")
    __mod__, __rmod__, __imod__ = operator(np.remainder, "mod")
    __divmod__, __rdivmod__ = operator(np.divmod, "divmod")[:2]
    __floordiv__, __rfloordiv__, __ifloordiv__ = operator(np.floor_divide, "floordiv")
    __and__, __rand__, __iand__ = operator(np.bitwise_and, "and")
    __or__, __ror__, __ior__ = operator(np.bitwise_or, "or")
    __xor__, __rxor__, __ixor__ = operator(np.bitwise_xor, "xor")
    __lt__, __gt__ = operator(np.less, "lt", "gt")[:2]
    __le__, __ge__ = operator(np.less_equal, "le", "ge")[:2]

    def __eq__(self, other: object) -> Tensor:
        return record(np.equal, (self, other), {})  # type: ignore[no-any-return]

    def __ne__(self, other: object) -> Tensor:
        return record(np.not_equal, (self, other), {})  # type: ignore[no-any-return]

    __neg__ = method(np.negative, "__neg__")
    __pos__ = method(np.positive, "__pos__")
    __abs__ = method(np.absolute, "__abs__")
    __invert__ = method(np.invert, "__invert__")
    __round__ = method(np.round, "__round__")
    all = method(np.all)
    any = method(np.any)
    argmax = method(np.argmax)
    argmin = method(np.argmin)
    argsort = method(np.argsort)
    astype = method(cast, "astype")
    clip = method(np.clip)
    conj = method(np.conj, "conj")
    conjugate = method(np.conj, "conjugate")
    copy = method(np.copy)
    cumprod = method(np.cumprod)
    cumsum = method(np.cumsum)
    diagonal = method(np.diagonal)
    dot = method(np.dot)
    flatten = method(np.ravel, "flatten")
    max = method(np.max)
    mean = method(np.mean)
    min = method(np.min)
    nonzero: Callable[..., tuple[Array, ...]] = method(np.nonzero)
    prod = method(np.prod)
    ravel = method(np.ravel)
    repeat = method(np.repeat)
    round = method(np.round)
    searchsorted: Callable[..., Array] = method(np.searchsorted)
    squeeze = method(np.squeeze)
    std = method(np.std)
    sum = method(np.sum)
    swapaxes = method(np.swapaxes)
    take = method(np.take)
    trace = method(np.trace)
    var = method(np.var)

    def reshape(self, *shape: Any, **keywords: Any) -> Tensor:
        """np.reshape, the shape as one tuple or spread out."""
        lengths = shape[0] if len(shape) == 1 else shape
        reshaped: Any = np.reshape(self, lengths, **keywords)
        return reshaped  # type: ignore[no-any-return]

    def transpose(self, *axes: Any) -> Tensor:
        """np.transpose, the axes as one tuple or spread out."""
        order = axes[0] if len(axes) == 1 else axes
        transposed: Any = np.transpose(self, order or None)
        return transposed  # type: ignore[no-any-return]

    @property
    def T(self) -> Tensor:  # noqa: N802  (NumPy's name)
        """np.transpose of this tensor: the axes in reverse."""
        return record(np.transpose, (self,), {})  # type: ignore[no-any-return]

    @property
    def mT(self) -> Tensor:  # noqa: N802  (NumPy's name)
        """np.matrix_transpose of this tensor: the last two axes swapped."""
        return record(np.matrix_transpose, (self,), {})  # type: ignore[no-any-return]

    @property
    def real(self) -> Tensor:
        """np.real of this tensor: itself."""
        return record(np.real, (self,), {})  # type: ignore[no-any-return]

    @property
    def imag(self) -> Tensor:
        """np.imag of this tensor: zeros."""
        return record(np.imag, (self,), {})  # type: ignore[no-any-return]

    # --- for transforms ---------------------------------------------------------------------------
    def with_inputs(self, inputs: tuple[Tensor, ...]) -> Tensor:
        """This node reading other inputs of equal value; itself where nothing differs."""
        if all(a is b for a, b in zip(inputs, self.inputs, strict=True)):
            return self
        copy = self.copied(inputs)
        copy.requires_grad = passes(self.fn, inputs)
        return copy

    def copied(self, inputs: tuple[Tensor, ...]) -> Tensor:
        """A copy of this node that reads other inputs, of equal value and need of a gradient."""
        value = self.form or self._array
        fields = (self.requires_grad, self.name, self.fn, inputs, self.kwargs)
        copy = Tensor(value, *fields, like=self)
        copy.peeked = self.peeked
        copy.reads = self.reads
        copy.segment = self.segment
        if self.form is not None:
            copy.drop(self.form, self.segment)
        return copy

    def drop(self, form: Any, segment: Any) -> None:
        """Forget the value: reading it recomputes it, see recompute.py."""
        self.form = form
        self.segment = segment
        del self._array


def tensor(
    x: Any, requires_grad: bool = False, name: str | None = None, dtype: npt.DTypeLike | None = None
) -> Tensor:
    """Copy x into a new leaf.

    x is whatever NumPy makes an array of, those of other libraries too. The dtype is the given one,
    else what NumPy gives x: whole numbers stay whole, as indices must be. With ``requires_grad``
    Python's whole numbers become float64.

    >>> import minigrad as mg
    >>> mg.tensor([1, 2], requires_grad=True, name="w")
    tensor([1., 2.], name='w', requires_grad=True)
    >>> mg.tensor([0, 2]).dtype, mg.tensor([True, False]).dtype
    (dtype('int64'), dtype('bool'))

    Raises DTypeError for complex or object data, and for a gradient of anything but floats;
    UnsupportedError for a Tensor that needs a gradient, which the copy would drop. A parameter is
    copied as another one, with ``requires_grad``.
    """
    leaf = Tensor(leaf_array(x, dtype, name, requires_grad), requires_grad, name)
    if isinstance(x, Tensor):
        if x.requires_grad and (x.fn is not None or not requires_grad):
            raise convert.long_refusals().copied(x)
        leaf.cut = x.cut
        if not requires_grad:
            from .rerun.off_tape import mark

            mark(leaf, [x], "mg.tensor()")
    return leaf


def record(fn: Method, args: tuple[Any, ...], kwargs: dict[str, Any], bound: bool = False) -> Any:
    """Apply fn to the values behind args; the result is a Tensor that knows where it came from.

    ``bound``: args are its inputs and kwargs its keywords already.
    """
    op = OPS.get(fn)
    if op is None:
        from .dispatch import not_in_the_table

        return not_in_the_table(fn, args, kwargs)
    inputs: list[Tensor] = []
    values: list[Array] = []
    needs_grad = False
    try:
        if not bound and (kwargs or len(args) != op.plain_count):
            args, kwargs = op.split(args, kwargs)
        for x in args:
            if type(x) is not Tensor:
                x = Tensor(constant(fn, x, args))  # noqa: PLW2901
            needs_grad |= x.requires_grad
            inputs.append(x)
            values.append(x._array)
        data = op.call(*values, **kwargs)
    except (ValueError, TypeError, IndexError, OverflowError, np.linalg.LinAlgError) as error:
        from .dispatch import refused

        return refused(fn, args, inputs, kwargs, error)
    data = own(np.asarray(data), fn=fn)
    if recording.get() is not None and not records():
        return _unrecorded(data, inputs, "no_grad()")
    if needs_grad and (data.dtype.kind != "f" or None in op.rules):
        needs_grad = _goes_back(data, fn, inputs)
    if not needs_grad:
        return _without_gradient(fn, args, kwargs, inputs, data)
    if data.ndim == 0:
        from .finished import released

        inputs = released(fn, inputs)
    return Tensor(data, needs_grad, None, fn, tuple(inputs), kwargs)


def _without_gradient(
    fn: Method, args: tuple[Any, ...], kwargs: dict[str, Any], inputs: list[Tensor], data: Array
) -> Tensor:
    """A result through which no gradient goes: off the tape where all that it reads is."""
    if fn in CLOSED and inputs[0].swept > 0:
        # state that a gate carries out of what backward() has finished with
        return _unrecorded(data, inputs, f"{op_name(fn)}()")
    tensors = [x for x in args if type(x) is Tensor]
    if all((x.cut or x.off_tape) and not x.name for x in tensors):
        return _unrecorded(data, inputs)
    return Tensor(data, False, None, fn, tuple(inputs), kwargs)


def _unrecorded(data: Array, inputs: list[Tensor], how: str = "") -> Tensor:
    """A result that is a leaf of its own memory, and knows what cut it off, if anything did."""
    if any(np.may_share_memory(data, x._array) for x in inputs):
        data = frozen(data.copy())
    from .rerun.off_tape import mark

    return mark(Tensor(data), inputs, how)


def _goes_back(data: Array, fn: Method, inputs: list[Tensor]) -> bool:
    """Whether a gradient goes from this result back to an input."""
    return data.dtype.kind == "f" and passes(fn, inputs)


def passes(fn: Any, inputs: Sequence[Tensor]) -> bool:
    """Whether a gradient goes back through fn to any of these inputs."""
    op = OPS[fn]
    # any() of a generator takes three times as long
    for slot, x in enumerate(inputs):  # noqa: SIM110
        if x.requires_grad and op.passes(slot):
            return True
    return False
