"""What is written on a link of a folded network: how far back it reads, through what, and where."""

from __future__ import annotations

from collections.abc import Iterable

from minigrad.viz.graphs.marks import Mark
from minigrad.viz.lettering.step_numbers import StepNumbers

from .rolled_model import Link, Nodes, Use

# Steps, or lags, named one by one.
MAX_LISTED = 4
# More steps than these, and an edge in one of them alone says which.
FEW_STEPS = 2


def describe(link: Link, uses: list[Use], nodes: Nodes) -> list[str]:
    """The lags and what the gates do; on another line in which steps, unless that is everywhere."""
    ends = [use.inner_end for use in uses]
    used = {t for t in ends if t is not None}
    where = ""
    after = _after(uses)
    if not after and _is_partial(link, used, nodes):
        where = "at t = " + _listed(used)
    reach = _reach(link)
    if len(used) > 1 and not nodes[link.head].steps and not where:
        # one thing reads this of every step
        reach = "all t"
    words = f"{reach} {_gates(uses)}"
    return [line for line in (words.strip(), after, where) if line]


def _after(uses: Iterable[Use]) -> str:
    """How far the gradients of a window have come where they are cut; nothing for other cuts."""
    after: set[int] = set()
    for use in uses:
        for mark in use.marks:
            after.update(mark.after)
    if not after:
        return ""
    first = min(after)
    last = max(after)
    reach = f"{first}" if first == last else f"{first} … {last}"
    return f"after {reach} step" + "s" * (last != 1)


def _reach(link: Link) -> str:
    """Which steps a reader reads."""
    if not link.is_recurrent:
        return ""
    if link.reads_all:
        return "all t"
    words = [f"t{-lag:+d}" if lag else "t" for lag in link.lags]
    first = link.lags[0]
    last = link.lags[-1]
    is_run = last - first == len(words) - 1
    if is_run and len(words) > 2:
        return f"{words[0]} … {words[-1]}"
    return ", ".join(words)


def _gates(uses: Iterable[Use]) -> str:
    """What the gates do to the gradient, in the same words for every step."""
    exact: dict[str, None] = {}
    without_value: dict[str, None] = {}
    for use in uses:
        if use.marks:
            texts = [_at_any_step(mark, use) for mark in use.marks]
            text = " ".join(texts)
            exact[text] = None
            without_value[text.partition(" = ")[0]] = None
    if not exact:
        return ""
    # where the numbers differ from step to step
    said = exact if len(exact) == 1 else without_value
    shortest = min(said, key=len)
    return shortest if len(said) == 1 else f"{shortest} …"


def _at_any_step(mark: Mark, use: Use) -> str:
    """The text of a mark, with t for the step: a boundary is called after the step behind it."""
    steps = [t for t in (use.start, use.end) if t is not None]
    if not mark.name or not steps:
        return mark.text
    name = StepNumbers().template(mark.name, max(steps))
    return mark.text.replace(mark.name, name, 1)


def _is_partial(link: Link, used: set[int], nodes: Nodes) -> bool:
    """Whether an edge could be in more steps, and should say in which it is."""
    tail = nodes[link.tail].steps
    head = nodes[link.head].steps
    if not link.lags:
        return bool(used) and used < (head or tail)
    possible: set[int] = set()
    for lag in link.lags:
        possible |= {t for t in head if t - lag in tail}
    if link.is_recurrent and not link.closed:
        return len(used) == 1 and len(head) > FEW_STEPS
    return used < possible


def _listed(steps: Iterable[int]) -> str:
    """The first steps, and the last one where there are more."""
    order = sorted(steps)
    words = [str(t) for t in order[:MAX_LISTED]]
    if len(order) > MAX_LISTED:
        words.append(f"… {order[-1]}")
    return ", ".join(words)
