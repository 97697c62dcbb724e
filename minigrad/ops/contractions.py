"""Contractions: einsum, and tensordot, which is recorded as one.

The adjoint of a contraction is a contraction: the cotangent takes the place of the operand, and the
operand's letters become the result. Of ``c = einsum("ik,kj->ij", a, b)`` the first operand is sent
``einsum("ij,kj->ik", g, b)``. Three things need care:

- a letter of one operand alone, as i in ``"ij,k->k"``, was summed: the cotangent is spread over it;
- a letter twice in an operand, ``"ii->i"``, reads a diagonal: an identity puts the cotangent there;
- an axis of 1 that met a longer one is summed over.
"""

from __future__ import annotations

import string
from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.errors import UnsupportedError

from .compositions import COMPOSED
from .table import Rule, Templates, defvjp, letter

MAX_OPERANDS = 64
"""NumPy's own limit."""


# --- subscripts -----------------------------------------------------------------------------------
def explicit(subscripts: str, ndims: Sequence[int]) -> tuple[list[str], str]:
    """Spell an einsum out: a term per operand and one for the result, letters alone.

    Source: the Einstein summation conventions of numpy.einsum's documentation.

    >>> explicit("ij,jk", [2, 2])
    (['ij', 'jk'], 'ik')
    >>> explicit("...i,i->...", [3, 1])
    (['abi', 'i'], 'ab')
    """
    left, arrow, result = subscripts.replace(" ", "").partition("->")
    terms = left.split(",")
    if not arrow:
        result = _implied_result(left)
    # An ellipsis stands for the axes that the letters leave over; they line up at their ends.
    hidden = [*map(_hidden_axes, terms, ndims)]
    widest = max(hidden)
    unused = [c for c in string.ascii_letters if c not in subscripts]
    dots = "".join(unused[:widest])
    spelled = []
    for term, axes in zip(terms, hidden, strict=True):
        spelled.append(term.replace("...", dots[widest - axes :]))
    return spelled, result.replace("...", dots)


def _hidden_axes(term: str, ndim: int) -> int:
    """How many axes of an operand its ellipsis stands for."""
    if "..." not in term:
        return 0
    return ndim - len(term.replace("...", ""))


def _implied_result(left: str) -> str:
    """The result where no arrow says it: the ellipsis, and the letters that occur once, sorted."""
    letters = left.replace(",", "").replace(".", "")
    once = [c for c in sorted(letters) if letters.count(c) == 1]
    ellipsis = "..." if "..." in left else ""
    return ellipsis + "".join(once)


def _long_letters(terms: Sequence[str], xs: Sequence[Any]) -> set[str]:
    """The letters against which an axis of 1 is broadcast: those of an axis of another length."""
    letters = set()
    for term, x in zip(terms, xs, strict=True):
        for c, length in zip(term, x.shape, strict=True):
            if length != 1:
                letters.add(c)
    return letters


def _kept_letters(target: str, shape: Any, sources: Any, long: set[str]) -> str:
    """The letters of an operand that its contribution has; over the others it is spread.

    A letter of this operand alone has no source; an axis of 1 is summed over what it met.
    """
    letters = "".join(sources)
    kept = ""
    for c, length in zip(target, shape, strict=True):
        if c in letters and (length != 1 or c not in long):
            kept += c
    return kept


# --- the rule of einsum ---------------------------------------------------------------------------
def _einsum(slot: int) -> Rule:
    """The VJP for the operand in this slot."""

    def rule(
        g: Any,
        y: Any,
        *xs: Any,
        subscripts: str,
        optimize: Any = False,
    ) -> Any:
        ndims = [x.ndim for x in xs]
        terms, result = explicit(subscripts, ndims)
        target, identities = _without_repetitions(terms, slot, xs[slot])
        # What the contribution is made of: the cotangent, the other operands, the identities.
        others = [*zip(terms, xs, strict=True)]
        del others[slot]
        sources = [(result, g), *others, *identities]
        source_terms, operands = zip(*sources, strict=True)
        long = _long_letters(terms, xs)
        kept = _kept_letters(target, xs[slot].shape, source_terms, long)
        back = ",".join(source_terms) + "->" + kept
        contribution = np.einsum(back, *operands)
        spread_axes = [axis for axis, c in enumerate(target) if c not in kept]
        if not spread_axes:
            return contribution
        return np.expand_dims(contribution, tuple(spread_axes))

    return rule


def _without_repetitions(terms: Sequence[str], slot: int, x: Any) -> tuple[str, list[Any]]:
    """The term of an operand with each letter once, and identities that tie new letters to the old.

    "ii" becomes "ij" and an identity matrix with the term "ij".
    """
    letters = "".join(terms)
    unused = (c for c in string.ascii_letters if c not in letters)
    target = ""
    identities = []
    for length, c in zip(x.shape, terms[slot], strict=True):
        own = c
        if c in target:
            own = next(unused)
            identity = np.eye(length, dtype=x.dtype)
            identities.append((c + own, identity))
        target += own
    return target, identities


def _einsum_says(n: Any) -> Templates:
    slots = range(len(n.inputs))
    return tuple(_einsum_template(n, slot) for slot in slots)


def _einsum_template(n: Any, slot: int) -> str:
    """``einsum('ij,kj->ik', g, b)``, with words for what is spread and for diagonals."""
    ndims = [x.ndim for x in n.inputs]
    terms, result = explicit(n.kwargs["subscripts"], ndims)
    term = terms[slot]
    # The cotangent stands first, the other operands behind it in their order.
    names = ["{g}"]
    source_terms = [result]
    count = len(terms)
    for i in range(count):
        if i != slot:
            names.append(f"{{{letter(i, count)}}}")
            source_terms.append(terms[i])
    shape = n.inputs[slot].shape
    lengths = dict(zip(term, shape, strict=True))
    target = "".join(lengths)
    long = _long_letters(terms, n.inputs)
    kept = _kept_letters(target, lengths.values(), source_terms, long)
    back = ",".join(source_terms) + "->" + kept
    sentence = f"einsum('{back}', {', '.join(names)})"
    if len(target) < len(term):
        return f"{sentence} on the diagonal '{term}'"
    if kept == target:
        return sentence
    return f"spread({sentence})"


def _bind_einsum(*args: Any, **keywords: Any) -> Any:
    if args and isinstance(args[0], str):
        subscripts, *xs = args
    else:
        subscripts, xs = _from_lists(args)
    return xs, {"subscripts": subscripts, **keywords}


def _from_lists(args: Sequence[Any]) -> tuple[str, list[Any]]:
    """NumPy's other notation, einsum(a, [0, 1], b, [1, 2], [0, 2]), as subscripts and operands."""
    end = len(args) // 2 * 2
    terms = [*map(_lettered, args[1:end:2])]
    subscripts = ",".join(terms)
    if end < len(args):
        subscripts += "->" + _lettered(args[end])
    return subscripts, list(args[:end:2])


def _lettered(indices: Any) -> str:
    """Axes numbered from 0, as letters that sort as the numbers do."""
    letters = string.ascii_uppercase + string.ascii_lowercase
    term = ""
    for index in indices:
        if index is Ellipsis:
            term += "..."
        elif index in range(len(letters)):
            term += letters[index]
        else:
            expected = "whole numbers from 0 to 51 and Ellipsis"
            raise UnsupportedError("einsum", got=f"axis {index}", expected=expected)
    return term


defvjp(
    np.einsum,
    *map(_einsum, range(MAX_OPERANDS)),
    bind=_bind_einsum,
    call=lambda *xs, subscripts, **keywords: np.einsum(subscripts, *xs, **keywords),
    says=_einsum_says,
)

# --- recorded as a contraction --------------------------------------------------------------------
LETTERS_OF_A = "abcdefghijklm"
LETTERS_OF_B = "nopqrstuvwxy"


def _tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    """An axis of b that is summed takes the letter of its partner in a."""
    axes_of_a, axes_of_b = _paired_axes(np.ndim(a), axes)
    rows = list(LETTERS_OF_A[: np.ndim(a)])
    columns = list(LETTERS_OF_B[: np.ndim(b)])
    summed = set()
    for i, j in zip(axes_of_a, axes_of_b, strict=True):
        check_lengths(a, i, b, j)
        columns[j] = rows[i]
        summed.add(rows[i])
    kept = [c for c in rows + columns if c not in summed]
    subscripts = f"{''.join(rows)},{''.join(columns)}->{''.join(kept)}"
    return np.einsum(subscripts, a, b, optimize=True)


def _paired_axes(ndim_a: int, axes: Any) -> tuple[list[int], list[int]]:
    """Which axes are summed together: a number means the last of a and the first of b."""
    if np.ndim(axes) == 0:
        last_of_a = range(ndim_a - axes, ndim_a)
        first_of_b = range(axes)
        return [*last_of_a], [*first_of_b]
    axes_of_a, axes_of_b = map(np.atleast_1d, axes)
    return axes_of_a.tolist(), axes_of_b.tolist()


def check_lengths(a: Any, axis_of_a: int, b: Any, axis_of_b: int) -> None:
    """Refuse to sum along axes of different lengths: einsum would broadcast a 1."""
    n = np.shape(a)[axis_of_a]
    m = np.shape(b)[axis_of_b]
    if n != m:
        raise ValueError(f"shapes not aligned: {n} != {m}")


def _linalg_tensordot(a: Any, b: Any, /, *, axes: Any = 2) -> Any:
    return np.tensordot(a, b, axes)


COMPOSED |= {
    np.tensordot: _tensordot,
    np.linalg.tensordot: _linalg_tensordot,
}
