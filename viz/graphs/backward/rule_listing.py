"""What the rule of a node computes, written out: a page shows it where its box is opened."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from minigrad import Tensor
from minigrad.viz import style
from minigrad.viz.graphs.operations.operation_text import written_out
from minigrad.viz.graphs.selection import is_number

from .split import Backward

# around a name: text may contain anything
OPEN, CLOSE = "\ue000", "\ue001"
_NAME = re.compile(f"{OPEN}(.*?){CLOSE}", re.DOTALL)
MAX_OPERATIONS = 60

Text = list[tuple[str, str]]
"""Pieces, each plain, ``sub`` or ``sup``."""


class Computed(NamedTuple):
    """An operation of a rule: what its value is called here, how it is computed, its shape."""

    name: Text
    text: Text
    shape: str


class Listing(NamedTuple):
    """The rule of one node: what it sends to each input, and by which operations.

    where: what ``g`` and other words of its formulas stand for. more: operations that are not
    listed.
    """

    op: str
    where: list[Text]
    sent: list[Text]
    operations: list[Computed]
    more: int


def listings(nodes: Iterable[Tensor], backward: Backward) -> list[Listing]:
    """Those of the nodes that have a rule, in the order in which backward comes to them."""
    return [_listing(n, backward) for n in nodes if n.fn and n in backward.made]


def _listing(n: Tensor, backward: Backward) -> Listing:
    made = backward.made[n]
    names = {x: _marked(name) for x, name in backward.forward.names.items()}
    adjoint_name = backward.name(names[n])
    where = [f"g = {adjoint_name}"]
    words = {}
    for x, word in backward.words(n).items():
        words[x] = _marked(word)
        if words[x] != names[x] and not is_number(x):
            where.append(f"{words[x]} = {names[x]}")
    sent = []
    for x, sentence in backward.sent(n, words):
        adjoint_name = backward.name(names[x])
        sent.append(f"{adjoint_name} += {sentence}")
    operations = [x for x in made.rule if x.fn and not is_number(x)]
    adjoint = backward.value(n)
    if adjoint is not None:
        words[adjoint] = "g"
    first = operations[:MAX_OPERATIONS]
    listed = list(_computed(first, words, backward.tape.names))
    more = len(operations) - len(listed)
    where_pieces = list(map(_pieces, where))
    sent_pieces = list(map(_pieces, sent))
    return Listing(n.op, where_pieces, sent_pieces, listed, more)


def _computed(
    operations: Iterable[Tensor], words: dict[Tensor, str], names: Mapping[Tensor, str]
) -> Iterator[Computed]:
    """The operations, whose values are r_1, r_2 and so on."""

    def word(x: Tensor) -> str:
        return words.get(x) or _marked(names[x])

    for k, x in enumerate(operations, start=1):
        text = _pieces(written_out(x, word))
        words[x] = _marked(f"r_{k}")
        name = _pieces(words[x])
        yield Computed(name, text, f"{x.shape}")


def _marked(name: str) -> str:
    return f"{OPEN}{name}{CLOSE}"


def _pieces(text: str) -> Text:
    """The text with the indices of the names in it low or high."""
    pieces: Text = []
    for k, part in enumerate(_NAME.split(text)):
        # names and what stands between them by turns
        if k % 2:
            for piece in style.pieces(part):
                pieces.append((piece.text, piece.kind))
        elif part:
            pieces.append((part, ""))
    return pieces
