"""The first and last step of a loop, completed so that they do what the others do.

The last step's adjoint has nothing from the step after, and what the first step would send on
nobody reads. So sums lack a term there, or are not there at all: they get zeros. And what is
missing at the other end is computed, and read by nobody.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from minigrad.compiler.families import Family
from minigrad.compiler.graph import Node, constant
from minigrad.compiler.primitives import PAIRWISE, total
from minigrad.ops.indexing import getitem

from .operand_looks import is_row, root_of

Iteration = list[Node]
FamilyOf = dict[Node, Family]
# with fewer steps there is no loop to make longer
MIN_STEPS = 4


def complete_ends(segment: list[Iteration], family_of: FamilyOf) -> None:
    """Add what the first and the last iteration lack, in the order of execution.

    Mutates the iterations, the operands of their nodes, and family_of.
    """
    if len(segment) >= MIN_STEPS:
        _complete_first(segment[0], segment[1], family_of)
        _complete_last(segment[-1], segment[-2], segment[-3], family_of)


def _complete_first(
    first: Iteration,
    second: Iteration,
    family_of: FamilyOf,
) -> None:
    """Give sums of the first iteration zeros where the second has what is carried."""
    member = {family_of[n]: n for n in first}
    before = set(first)
    # what is carried into a sum may lie in another family's missing sum: operands come first
    for n in second:
        carried = [root_of(x) in before for x in n.inputs]
        if n.fn is not total or not any(carried):
            continue
        mine = member.get(family_of[n])
        terms = _terms_read_instead(n, second, member, family_of) if mine is None else mine.inputs
        if not terms or len(terms) != carried.count(False):
            continue
        operands = _with_zeros(terms, n.inputs, carried)
        if mine is not None:
            mine.inputs = operands
            continue
        new = _at_the_time_of(first[0], n, operands)
        _enter(new, n, first, second, family_of)
        member[family_of[n]] = new
        for reader in second:
            if n in reader.inputs:
                of_first = member[family_of[reader]]
                swapped = zip(of_first.inputs, reader.inputs, strict=True)
                of_first.inputs = tuple([new if y is n else x for x, y in swapped])


def _with_zeros(
    terms: tuple[Node, ...],
    like: tuple[Node, ...],
    carried: list[bool],
) -> tuple[Node, ...]:
    """The terms in order, with zeros in the place of those that are carried."""
    waiting = iter(terms)
    pairs = zip(like, carried, strict=True)
    return tuple([_zeros_like(x) if is_carried else next(waiting) for x, is_carried in pairs])


def _terms_read_instead(
    n: Node,
    second: Iteration,
    member: dict[Family, Node],
    family_of: FamilyOf,
) -> tuple[Node, ...]:
    """What the first iteration reads where the second reads the sum n, if it is one thing."""
    instead = set()
    for reader in second:
        if n not in reader.inputs:
            if any(root_of(x) is n for x in reader.inputs):
                return ()
            continue
        of_first = member.get(family_of[reader])
        if of_first is None or len(of_first.inputs) != len(reader.inputs):
            return ()
        if reader.fn in PAIRWISE:
            of_first.inputs = in_order_of(reader, of_first, family_of)
        for x, y in zip(of_first.inputs, reader.inputs, strict=True):
            if y is n:
                instead.add(x)
    if len(instead) != 1:
        return ()
    (term,) = instead
    return (term,) if (term.shape, term.dtype) == (n.shape, n.dtype) else ()


def in_order_of(
    reader: Node,
    n: Node,
    family_of: Mapping[Node, Family],
) -> tuple[Node, ...]:
    """The terms of a sum or product, those that are like a term of the reader in its place."""
    left = list(n.inputs)
    order: list[Node | None] = []
    for y in reader.inputs:
        like = [x for x in left if _origin(x, n, family_of) == _origin(y, reader, family_of)]
        order.append(like[0] if like else None)
        if like:
            left.remove(like[0])
    waiting = iter(left)
    return tuple([next(waiting) if x is None else x for x in order])


def _origin(
    x: Node,
    reader: Node,
    family_of: Mapping[Node, Family],
) -> object:
    """Where a term comes from, the same in every iteration."""
    root = root_of(x)
    if root.time is None or reader.time is None:
        return root
    return family_of.get(root, (root.fn, root.place)), reader.time - root.time


def _complete_last(
    last: Iteration,
    before: Iteration,
    earlier: Iteration,
    family_of: FamilyOf,
) -> None:
    """Compute in the last iteration what the one before it computes for its successor."""
    stand_in = {}
    member = {family_of[n]: n for n in last}
    of_before = {family_of[n]: n for n in before}
    for n in before:
        if family_of[n] in member:
            stand_in[n] = member[family_of[n]]
    for n in earlier:
        if family_of[n] in of_before:
            stand_in[n] = of_before[family_of[n]]
    for n in before:
        if family_of[n] in member:
            continue
        operands = [_moved(x, stand_in) for x in n.inputs]
        if None in operands:
            continue
        new = _at_the_time_of(last[0], n, tuple([x for x in operands if x is not None]))
        _enter(new, n, last, before, family_of)
        stand_in[n] = new


def _moved(x: Node, stand_in: dict[Node, Node]) -> Node | None:
    """The operand one iteration later; None for what is of that iteration alone."""
    root = root_of(x)
    if root in stand_in:
        if root is x:
            return stand_in[x]
        inner = _moved(x.inputs[0], stand_in)
        return None if inner is None else x.with_inputs((inner,))
    if root.time is None and _is_the_same_in_all_steps(x, root):
        return x
    return None


def _is_the_same_in_all_steps(x: Node, root: Node) -> bool:
    """Whether the way from what lies outside the steps has no index that changes."""
    if is_row(root):
        return False
    while x is not root:
        if x.fn is getitem:
            return False
        x = x.inputs[0]
    return True


def _zeros_like(x: Node) -> Node:
    return constant(np.zeros(x.shape, x.dtype))


def _at_the_time_of(
    n: Node,
    like: Node,
    operands: tuple[Node, ...],
) -> Node:
    """A node that does for the step of n what another does for its own."""
    new = like.with_inputs(operands)
    if new is like:
        new = replace(like)
    new.time = n.time
    new.name = ""
    return new


def _enter(
    new: Node,
    like: Node,
    into: Iteration,
    beside: Iteration,
    family_of: FamilyOf,
) -> None:
    """Put a node into its family, and into an iteration in the place it has in the other one."""
    family_of[new] = family_of[like]
    family_of[like].members.append(new)
    later = {family_of[n] for n in beside[beside.index(like) + 1 :]}
    for i, n in enumerate(into):
        if family_of[n] in later:
            into.insert(i, new)
            return
    into.append(new)
