"""A differentiated tape in its parts: forward, the rules back, what is made of the gradients."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from minigrad import Tape, Tensor
from minigrad.internal import Made, filled, leading_to, letter, passes_of, templates
from minigrad.viz.graphs.selection import reached_nodes
from minigrad.viz.graphs.tooltip import values

from .aftermath import After, afters

# Longer formulas, and more of them, are told by the tooltip alone.
MAX_FORMULA_CHARACTERS = 18
MAX_FORMULAS = 2


@dataclass(frozen=True)
class Backward:
    """The backward pass of a differentiated tape, by the nodes of its forward pass.

    forward: the tape of the loss alone. made: what the pass made of each node, where that is known.
    after: what is made of the gradients, such as their clipping.
    """

    tape: Tape
    forward: Tape
    made: Mapping[Tensor, Made]
    after: list[After]

    @cached_property
    def visited(self) -> set[Tensor]:
        """The nodes of the forward pass that have an adjoint."""
        on_the_way = leading_to(self.forward.nodes, self.tape.wrt)
        return reached_nodes(self.forward) & on_the_way

    @cached_property
    def _loss(self) -> str:
        """What the loss is called."""
        loss = self.forward.outputs[0]
        return loss.label if loss.name else "L"

    def name(self, written: str) -> str:
        """What the adjoint of a node of this name is called."""
        return f"∂{self._loss}/∂{written}"

    def title(self, n: Tensor) -> str:
        """What the adjoint of a node is called; the first one of the pass says its value."""
        title = self.name(self.forward.names[n])
        return f"{title} = 1" if self.is_seed(n) else title

    def is_seed(self, n: Tensor) -> bool:
        """Whether the pass starts from the adjoint of the node."""
        return n is self.forward.outputs[0]

    def value(self, n: Tensor) -> Tensor | None:
        """The adjoint of a node, where it is on the tape and known."""
        if n in self.made:
            return self.made[n].adjoint
        wrt = self.tape.wrt
        gradients = self.tape.outputs[-len(wrt) :]
        for x, gradient in zip(wrt, gradients, strict=True):
            if x is n:
                return gradient
        return None

    def describe(self, n: Tensor) -> str:
        """The adjoint of a node in one line."""
        text = self.name(self.forward.names[n])
        value = self.value(n)
        if value is not None:
            text += f": {value.dtype}{list(value.shape)}, {values(value)} [{n.where}]"
        return text

    def sentences(self, n: Tensor) -> list[str]:
        """What the rule of a node sends to each of its inputs: ``g ⊙ (1 - h_2²)``.

        What has no name is y if it is the node's own value, else the letter of its place.
        """
        words = self.words(n)
        sent: dict[str, None] = {}
        for _, sentence in self.sent(n, words):
            sent[sentence] = None
        return list(sent)

    def words(self, n: Tensor) -> dict[Tensor, str]:
        """What the sentences of a node call its value and its inputs."""
        words = {n: n.label if n.name else "y"}
        for k, x in enumerate(n.inputs):
            words[x] = x.label if x.name else letter(k, len(n.inputs))
        return words

    def sent(self, n: Tensor, words: Mapping[Tensor, str]) -> Iterator[tuple[Tensor, str]]:
        """Each input that is sent something, and what, in these words."""
        for x, text in zip(n.inputs, templates(n), strict=True):
            if text and x in self.visited:
                yield x, filled(n, text, words, "g")

    def formulas(self, n: Tensor) -> list[str]:
        """What the rule of a node does to g, where that is short enough for a box."""
        sentences = [text for text in self.sentences(n) if text != "g"]
        is_short = all(len(text) <= MAX_FORMULA_CHARACTERS for text in sentences)
        return sentences if is_short and len(sentences) <= MAX_FORMULAS else []

    def tip(self, n: Tensor) -> str:
        """The rule of a node: what it sends, and the operations that did."""
        text = f"{n.op} VJP: {'; '.join(self.sentences(n))}"
        rule = self.made[n].rule if n in self.made else ()
        operations = _counted([x.op for x in rule if x.fn])
        if operations:
            text += f"; made of {', '.join(operations)}"
        return text


def _counted(words: list[str]) -> list[str]:
    """Each word once, with how often it is there."""
    return [f"{n} {word}" if n > 1 else word for word, n in Counter(words).items()]


def backward_of(tape: Tape) -> Backward | None:
    """The backward pass of a tape; None where it holds no gradients of its loss alone."""
    if not tape.wrt:
        return None
    forward = Tape.of(tape.outputs[0])
    known = set(forward.nodes)
    passes = passes_of(tape.nodes)
    made: dict[Tensor, Made] = {}
    for each in passes:
        if each and each[0].node is tape.outputs[0]:
            made |= {m.node: m for m in each}
    return Backward(tape, forward, made, afters(tape, known, made))
