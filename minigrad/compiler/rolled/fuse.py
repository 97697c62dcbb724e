"""Loops that carry nothing, joined where one reads the rows of the other as they come."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from .rolled_program import Block, Call, Index, Loop, Program, Read


def fused(program: Program) -> Program:
    """Loops over the same steps and lanes as one, if nothing that lies between is read."""
    blocks: list[Block] = []
    maker: dict[str, int] = {}
    for block in program.blocks:
        host = None
        if isinstance(block, Loop) and not block.carries:
            host = _host(block, blocks, maker)
        if host is None:
            blocks.append(block)
            host = len(blocks) - 1
        else:
            first = blocks[host]
            assert isinstance(first, Loop)
            assert isinstance(block, Loop)
            blocks[host] = _joined(first, block)
        for name in _made(block):
            maker[name] = host
    return replace(program, blocks=tuple(blocks))


def _host(
    loop: Loop,
    blocks: list[Block],
    maker: dict[str, int],
) -> int | None:
    """The loop before that this one may run with: the last that it reads, or a later one."""
    reads = [r for call in loop.body for r in call.reads if r.source in maker]
    latest = max([maker[r.source] for r in reads], default=-1)
    for i in range(max(latest, 0), len(blocks)):
        block = blocks[i]
        if not isinstance(block, Loop) or block.carries:
            continue
        if (block.steps, block.lanes) != (loop.steps, loop.lanes):
            continue
        inside = [r for r in reads if maker[r.source] == i]
        here = set(block.stacked.values())
        if all(r.source in here and r.index == _own_row(loop) and r.axis == 0 for r in inside):
            return i
    return None


def _own_row(loop: Loop) -> Index:
    per_lane = 1 if loop.lanes > 1 else 0
    return Index(0, loop.lanes if loop.steps > 1 else 0, per_lane)


def _joined(first: Loop, second: Loop) -> Loop:
    """Both bodies in one, the second reading what the first gives in the same step."""
    local = {value: name for name, value in first.stacked.items()}
    body = list(first.body)
    for call in second.body:
        reads = tuple([_local(read, local) for read in call.reads])
        body.append(replace(call, reads=reads))
    return replace(
        first,
        body=tuple(body),
        stacked=first.stacked | second.stacked,
        summed=first.summed | second.summed,
    )


def _local(read: Read, local: dict[str, str]) -> Read:
    if read.source in local:
        return Read(local[read.source], None, 0, read.views)
    return read


def _made(block: Block) -> Iterable[str]:
    if isinstance(block, Call):
        return [block.name]
    return [*block.stacked.values(), *block.summed.values()]
