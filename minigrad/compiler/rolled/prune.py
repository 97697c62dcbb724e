"""The program without what nobody reads."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from .program import Block, Call, Carry, Program, Read


def without_unread(program: Program) -> Program:
    """Drop calls, carries, rows and constants that no output needs. Inputs stay."""
    read = {r.source for r in program.outputs}
    blocks: list[Block] = []
    for block in reversed(program.blocks):
        kept = _kept(block, read)
        if kept is not None:
            blocks.append(kept)
            read.update(_sources(kept))
    constants = {name: array for name, array in program.constants.items() if name in read}
    names = {*program.inputs, *read}
    forms = {name: form for name, form in program.forms.items() if name in names}
    return replace(program, blocks=tuple(reversed(blocks)), constants=constants, forms=forms)


def _kept(block: Block, read: set[str]) -> Block | None:
    if isinstance(block, Call):
        return block if block.name in read else None
    stacked = {call: value for call, value in block.stacked.items() if value in read}
    summed = {call: value for call, value in block.summed.items() if value in read}
    if not stacked and not summed:
        return None
    wanted = {*stacked, *summed}
    carries: dict[str, Carry] = {carry.name: carry for carry in block.carries}
    waiting = list(wanted)
    calls = {call.name: call for call in block.body}
    while waiting:
        name = waiting.pop()
        more = (
            [carries[name].result]
            if name in carries
            else [r.source for r in calls[name].reads if r.source in calls or r.source in carries]
        )
        waiting += [x for x in more if x not in wanted]
        wanted.update(more)
    body = tuple([call for call in block.body if call.name in wanted])
    kept = tuple([carry for carry in block.carries if carry.name in wanted])
    return replace(block, body=body, carries=kept, stacked=stacked, summed=summed)


def _sources(block: Block) -> Iterable[str]:
    reads: list[Read] = []
    if isinstance(block, Call):
        reads += block.reads
    else:
        for call in block.body:
            reads += call.reads
        for carry in block.carries:
            reads += carry.first
    return [r.source for r in reads]
