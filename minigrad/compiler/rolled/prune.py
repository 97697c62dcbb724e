"""The program without what nobody reads."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import replace
from typing import Any

from .rolled_program import Block, Call, Loop, Program, Read


def without_unread(program: Program) -> Program:
    """Drop calls, carries, rows and constants that no output needs. Inputs stay."""
    read = {r.source for r in program.outputs}
    blocks: list[Block] = []
    for block in reversed(program.blocks):
        kept = _kept(block, read)
        if kept is not None:
            blocks.append(kept)
            read.update(_sources(kept))
    return replace(
        program,
        blocks=tuple(reversed(blocks)),
        constants=_of_names(program.constants, read),
        forms=_of_names(program.forms, {*program.inputs, *read}),
    )


def _of_names(values: Mapping[str, Any], names: Container[str]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name in names}


def _kept(block: Block, read: set[str]) -> Block | None:
    """What of a block is read; None: nothing."""
    if isinstance(block, Call):
        return block if block.name in read else None
    stacked = {call: value for call, value in block.stacked.items() if value in read}
    summed = {call: value for call, value in block.summed.items() if value in read}
    if not stacked and not summed:
        return None
    wanted = _needed(block, [*stacked, *summed])
    body = [call for call in block.body if call.name in wanted]
    carries = [carry for carry in block.carries if carry.name in wanted]
    return replace(
        block,
        body=tuple(body),
        carries=tuple(carries),
        stacked=stacked,
        summed=summed,
    )


def _needed(loop: Loop, names: list[str]) -> set[str]:
    """The calls and carries of a body that some of its results need."""
    reads: dict[str, list[str]] = {}
    for carry in loop.carries:
        reads[carry.name] = [carry.result]
    for call in loop.body:
        reads[call.name] = [read.source for read in call.reads]
    needed = set[str]()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name in reads and name not in needed:
            needed.add(name)
            waiting += reads[name]
    return needed


def _sources(block: Block) -> Iterable[str]:
    """The names that a block reads."""
    reads: list[Read] = []
    if isinstance(block, Call):
        reads += block.reads
    else:
        for call in block.body:
            reads += call.reads
        for carry in block.carries:
            reads += carry.first
    return [read.source for read in reads]
