"""C for nests of loops over numbers, and for sums of them."""

from __future__ import annotations

from collections.abc import Sequence

from .axes import Axes, Axis, Nesting, axes_of, merged, named, nesting
from .c_expressions import C_TYPES
from .operands import Operand
from .work import Nest, Reduction, Statement

# the parts in which a long sum along memory is added up, as many as some vectors hold
PARTS = 32
# fewer terms are added one after the other
MIN_TERMS_FOR_PARTS = 64
INDEPENDENT = "#pragma GCC ivdep"


def distinct_operands(work: Nest) -> list[Operand]:
    """The operands of all statements, each view once."""
    distinct: list[Operand] = []
    for statement in work.statements:
        for x in (*statement.operands, statement.out):
            if not any(x.is_view_of(y) for y in distinct):
                distinct.append(x)
    return distinct


class _Values:
    """The numbers of a nest's operands as variables of C.

    first: which operands are read before they are written.
    """

    def __init__(self, work: Nest, distinct: Sequence[Operand]) -> None:
        self._distinct = distinct
        self.first: list[int] = []
        known = set[int]()
        for statement in work.statements:
            for x in statement.operands:
                i = self.number(x)
                if i not in known:
                    self.first.append(i)
                    known.add(i)
            known.add(self.number(statement.out))

    def number(self, x: Operand) -> int:
        """Which of the operands it is."""
        alike = [x.is_view_of(y) for y in self._distinct]
        return alike.index(True)

    def text(self, statement: Statement) -> str:
        """The value of a statement."""
        names = [f"v{self.number(x)}" for x in statement.operands]
        return statement.text.format(*names)


def nest_lines(work: Nest, pointers: Sequence[str]) -> list[str]:
    """Loops over all indices; pointers: to the distinct operands."""
    distinct = distinct_operands(work)
    values = _Values(work, distinct)
    out = values.number(work.statements[0].out)
    axes = axes_of(work.shape, distinct)
    axes.sort(key=lambda axis: -abs(axis.distances[out]))
    loops = nesting(merged(axes), "k")
    lines = _loads(values.first, distinct, pointers, loops)
    declared = set(values.first)
    last = {values.number(statement.out): statement for statement in work.statements}
    for statement in work.statements:
        i = values.number(statement.out)
        real = "" if i in declared else f"{C_TYPES[statement.out.array.dtype]} "
        declared.add(i)
        lines.append(f"{real}v{i} = {values.text(statement)};")
        # a number that a later statement writes again need not lie in memory
        if last[i] is statement:
            lines.append(f"{pointers[i]}[{loops.index(i)}] = v{i};")
    return [*lines, *loops.closing()]


def _loads(
    read: Sequence[int], distinct: Sequence[Operand], pointers: Sequence[str], loops: Nesting
) -> list[str]:
    """The heads of the loops, and the numbers that are read: those that stand still first."""
    still: list[str] = []
    moving: list[str] = []
    for i in read:
        real = C_TYPES[distinct[i].array.dtype]
        load = f"{real} v{i} = {pointers[i]}[{loops.index(i)}];"
        moves = loops.axes and loops.axes[-1].distances[i]
        (moving if moves else still).append(load)
    if not loops.axes:
        return still
    *outer, inner = loops.opening()
    return [*outer, *still, INDEPENDENT, inner, *moving]


def reduction_lines(work: Reduction, pointers: Sequence[str]) -> list[str]:
    """The sums; pointers: to the operands and the result."""
    statement = work.statement
    axes = axes_of(work.shape, [*statement.operands, statement.out])
    axes.sort(key=lambda axis: -abs(axis.distances[0]))
    kept = [axis for axis in axes if axis.distances[-1]]
    summed = [axis for axis in axes if not axis.distances[-1]]
    if kept and axes[-1] is kept[-1]:
        return _side_by_side(work, pointers, kept, summed)
    return _one_by_one(work, pointers, kept, summed)


def _side_by_side(work: Reduction, pointers: Sequence[str], kept: Axes, summed: Axes) -> list[str]:
    """Sums that lie side by side as their terms do: row after row is added to all of them."""
    *outer, inner = kept
    above = nesting(merged(outer), "k")
    over = nesting(merged(summed), "s")
    along = named(inner, "j")
    (head,) = along.opening()
    out = f"{pointers[-1]}[{(above + along).index(len(pointers) - 1)}]"
    term = _term(work, pointers, above + over + along)
    return [
        *above.opening(),
        f"{head} {out} = {work.neutral}; }}",
        *over.opening(),
        INDEPENDENT,
        f"{head} {out} = {work.joined.format(out, term)}; }}",
        *over.closing(),
        *above.closing(),
    ]


def _one_by_one(work: Reduction, pointers: Sequence[str], kept: Axes, summed: Axes) -> list[str]:
    """Each sum by itself; a long one along memory in parts, which vectors hold."""
    nothing = Axis(1, (0,) * len(pointers))
    *outer, inner = merged(summed) or [nothing]
    above = nesting(merged(kept), "k")
    over = nesting(outer, "s")
    parts = PARTS if inner.length >= MIN_TERMS_FOR_PARTS else 1
    whole = inner.length // parts * parts
    term = _term(work, pointers, above + over + named(inner, "(j + l)"))
    part = f"part[l] = {work.joined.format('part[l]', term)};"
    half = work.joined.format("part[l]", "part[l + half]")
    real = C_TYPES[work.statement.out.array.dtype]
    each = f"for (int l = 0; l < {parts}; l++)"
    out = f"{pointers[-1]}[{above.index(len(pointers) - 1)}]"
    return [
        *above.opening(),
        f"{real} part[{parts}];",
        f"{each} part[l] = {work.neutral};",
        *over.opening(),
        f"for (long j = 0; j < {whole}; j += {parts}) {each} {part}",
        f"for (long j = {whole}, l = 0; j < {inner.length}; j++) {part}",
        *over.closing(),
        f"for (int half = {parts} / 2; half; half /= 2)",
        f"for (int l = 0; l < half; l++) part[l] = {half};",
        f"{out} = part[0];",
        *above.closing(),
    ]


def _term(work: Reduction, pointers: Sequence[str], loops: Nesting) -> str:
    terms = []
    for i in range(len(work.statement.operands)):
        terms.append(f"{pointers[i]}[{loops.index(i)}]")
    return work.statement.text.format(*terms)
