"""What is fed to leaves, by a plan and by a replay: arrays by leaf, each checked once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any, Literal, NoReturn

import numpy as np
import numpy.typing as npt

from minigrad.core.array import Array, plain
from minigrad.core.inspection.text import unique_names
from minigrad.core.tensor import Tensor
from minigrad.errors import ArgumentError, DTypeError, ShapeError

Feeds = Mapping[Tensor | str, npt.ArrayLike]
Missing = Literal["error", "recorded"]
"""What becomes of inputs that are left out where others are fed."""
MAX_NAMES = 5
NOUNS = {
    "plan": ("input", "inputs", "Name a leaf to make it an input: tensor(..., name='x')"),
    "rolled program": ("input", "inputs", "Name a leaf to make it an input: tensor(..., name='x')"),
    "replay": ("leaf of this tape", "leaves", "print(tape) lists them"),
}
"""What those that are fed call their leaves, and what helps where one is not there."""


class Leaves:
    """The leaves that may be fed, by Tensor and by name.

    names: by which each is listed. Several of one label have numbers behind it, from ``x#1`` on;
    the label alone means none of them.
    """

    def __init__(
        self,
        subject: str,
        leaves: Iterable[Tensor],
        names: Mapping[Tensor, str],
        carried: Iterable[Tensor] = (),
    ) -> None:
        """subject: who is fed, for errors. names: those of the tape. carried: need not be fed."""
        self._subject = subject
        self._sharing: defaultdict[str, list[Tensor]] = defaultdict(list)
        for leaf in leaves:
            self._sharing[leaf.label].append(leaf)
        self._leaf_of: dict[str, Tensor] = {}
        labels = []
        for leaf in leaves:
            label = leaf.label
            on_tape = names[leaf]
            if len(self._sharing[label]) > 1:
                label = f"{label}#1" if on_tape == label else on_tape
            labels.append(label)
            self._leaf_of[on_tape] = leaf
        self.names = dict(zip(leaves, unique_names(labels), strict=True))
        self._leaf_of |= {name: leaf for leaf, name in self.names.items()}
        for label, sharing in self._sharing.items():
            if len(sharing) > 1:
                self._leaf_of.pop(label, None)
        self._carried = frozenset(carried)
        self.asked_for = frozenset(filter(is_asked_for, leaves)) - self._carried

    def arrays(self, feeds: Feeds, missing: str = "error") -> dict[Tensor, Array]:
        """The arrays by leaf.

        Raises ArgumentError for a key that is none of the leaves, or several of them, and where
        some inputs are fed and others not; ShapeError and DTypeError for an array that does not
        fit.
        """
        if missing not in ("error", "recorded"):
            expected = "expected 'error' or 'recorded'"
            raise ArgumentError(f"{self._subject}: missing", got=repr(missing), expected=expected)
        if type(feeds) is not dict and not isinstance(feeds, Mapping):
            got = f"a {type(feeds).__name__}"
            expected = "expected {leaf or name: array, ...}"
            raise ArgumentError(self._subject, got=got, expected=expected)
        arrays: dict[Tensor, Array] = {}
        for key, value in feeds.items():
            leaf = self.leaf(key)
            if leaf in arrays:
                raise ArgumentError(self._subject, got=f"'{leaf.label}' is fed twice")
            arrays[leaf] = self._fitting(leaf, value)
        if missing == "error" and not self.asked_for <= arrays.keys():
            self._refuse_missing(arrays)
        return arrays

    def leaf(self, key: Tensor | str) -> Tensor:
        """The leaf that a key means. Raises ArgumentError for one that means none, or several."""
        leaf: Any = self._leaf_of.get(key) if isinstance(key, str) else key
        if leaf not in self.names:
            self._refuse_key(key)
        return leaf  # type: ignore[no-any-return]

    def _fitting(self, leaf: Tensor, value: Any) -> Array:
        """The value as an array of the leaf's shape and of a dtype that the leaf's can hold."""
        array = self._array(leaf, value)
        if array.shape != leaf.shape:
            got = f"'{leaf.label}' is {array.shape}"
            raise ShapeError(self._subject, got=got, expected=f"expected {leaf.shape}")
        if array.dtype != leaf.dtype and not np.can_cast(array.dtype, leaf.dtype, "same_kind"):
            got = f"'{leaf.label}' is {array.dtype}"
            raise DTypeError(self._subject, got=got, expected=f"expected {leaf.dtype}")
        return array

    def _array(self, leaf: Tensor, value: Any) -> Array:
        if type(value) is np.ndarray:
            return value
        if isinstance(value, Tensor):
            return value.data
        try:
            array = np.asanyarray(value)
        except ValueError:
            got = f"'{leaf.label}' is no array"
            raise ShapeError(self._subject, got=got, expected=f"expected {leaf.shape}") from None
        return plain(array, f"{self._subject}: '{leaf.label}'")

    def _refuse_key(self, key: Any) -> NoReturn:
        sharing = self._sharing.get(key, []) if isinstance(key, str) else []
        if sharing:
            self._refuse_shared(key, sharing)
        name = repr(key) if isinstance(key, str) else f"'{getattr(key, 'label', key)}'"
        noun, nouns, remedy = NOUNS[self._subject]
        got = f"{name} is no {noun}"
        expected = f"its {nouns} are {listed(self.names.values())}"
        raise ArgumentError(self._subject, got=got, expected=expected, remedy=remedy)

    def _refuse_shared(self, label: str, sharing: list[Tensor]) -> NoReturn:
        lines = dict.fromkeys([leaf.origin for leaf in sharing])
        names = [repr(self.names[leaf]) for leaf in sharing]
        raise ArgumentError(
            self._subject,
            got=f"{len(sharing)} inputs are named '{label}', made at {listed(lines)}",
            expected=f"feed each by Tensor, or as {listed(names)}",
            remedy="Or give each a name of its own, or read X[t] of one array X",
        )

    def _refuse_missing(self, arrays: Mapping[Tensor, Array]) -> None:
        """Raise where some inputs are fed: none at all, or parameters alone, is no mistake."""
        fed = {leaf for leaf in arrays if not leaf.requires_grad and not leaf.kwargs}
        fed -= self._carried
        if not fed:
            return
        given = [repr(name) for leaf, name in self.names.items() if leaf in fed]
        left_out = []
        for leaf, name in self.names.items():
            if leaf in self.asked_for and leaf not in arrays:
                left_out.append(repr(name))
        raise ArgumentError(
            self._subject,
            got=f"fed {listed(given)}, but not {listed(left_out)}",
            expected="all inputs are fed, or none",
            remedy="Feed the rest too, or say missing='recorded' to use the values they have",
        )


def is_asked_for(leaf: Tensor) -> bool:
    """Whether a leaf is an input: named, no parameter, and none that has a source of its values.

    Such are xi_t, which is drawn, and a learning rate, which the optimizer has.
    """
    return leaf.name is not None and not leaf.requires_grad and not leaf.kwargs


def listed(names: Iterable[str]) -> str:
    """Names in one line, of many the first ones and a count."""
    rest = iter(names)
    text = ", ".join(islice(rest, MAX_NAMES)) or "none"
    count = len(list(rest))
    return f"{text} and {count} more" if count else text
