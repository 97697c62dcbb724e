"""Steps that hold the same are laid out alike: each node stands where its counterparts stand."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping

from .barycentre import Across, Level, Node, Part, packed, rows_of, settle

# Of the roles in the smaller of two steps: so many are in both where they are laid out alike.
COMMON_SHARE = 0.5
# Rows that differ from step to step are raised to the highest so often.
MAX_RAISES = 8

Role = Hashable
Template = dict[Role, list[Node]]
"""The counterparts in steps that are laid out alike."""
Rows = dict[Node, int]


def templates(steps: Iterable[list[Node]], role: Mapping[Node, Role]) -> list[Template]:
    """The steps, given the nodes of each, together with those that have most roles in common."""
    made: list[Template] = []
    for nodes in steps:
        here = {role[n] for n in nodes}
        for template in made:
            if _is_alike(template, here):
                break
        else:
            template = {}
            made.append(template)
        for n in nodes:
            members = template.setdefault(role[n], [])
            members.append(n)
    return made


def _is_alike(template: Template, here: set[Role]) -> bool:
    common = len(template.keys() & here)
    smaller = min(len(template), len(here))
    return common > COMMON_SHARE * smaller


def align_rows(rows: Rows, made: list[Template], inputs: Callable[[Node], list[Node]]) -> None:
    """Raise nodes to the rows of their counterparts, and above their inputs, where that ends."""
    for _ in range(MAX_RAISES):
        before = dict(rows)
        for template in made:
            for members in template.values():
                highest = max(rows[n] for n in members)
                rows.update(dict.fromkeys(members, highest))
        for n in rows:
            for m in inputs(n):
                rows[n] = max(rows[n], rows[m] + 1)
        if rows == before:
            break


def settle_alike(template: Template, parts: list[Part], x: Across) -> None:
    """Add the x of the nodes of steps that are laid out alike: settled once, for all of them."""
    role: dict[Node, Role] = {}
    for key, members in template.items():
        role |= dict.fromkeys(members, key)
    across: Across = {}
    whole = _whole(parts, role)
    settle(whole, across)
    for part in parts:
        wanted = {n: across[role[n]] for n in part.nodes}
        for row in rows_of(part, wanted).values():
            # Moved where two overlap.
            x.update(packed(row, wanted, part))


def _whole(parts: list[Part], role: Mapping[Node, Role]) -> Part:
    """One part that has the roles of all of them in place of nodes."""
    near: dict[Role, dict[Role, None]] = {key: {} for key in role.values()}
    reach: dict[Role, tuple[float, float]] = {}
    early: set[Role] = set()
    level: dict[Role, Level] = {}
    for part in parts:
        for n in part.nodes:
            key = role[n]
            level.setdefault(key, part.level[n])
            widest = reach.get(key, (0.0, 0.0))
            left, right = map(max, widest, part.reach[n])
            reach[key] = left, right
            near[key].update(dict.fromkeys(role[m] for m in part.near[n]))
            if n in part.early:
                early.add(key)
    lists = {key: list(others) for key, others in near.items()}
    return Part(list(near), level, reach, lists, early)
