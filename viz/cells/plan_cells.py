"""What a notebook shows of a Plan, and of the report about one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .cell import fold, heading, pre


def plan(value: Any, text: str) -> Iterator[str]:
    """Its calls and buffers, its inputs, the listing."""
    title, _, listing = text.partition("\n")
    yield heading("Plan", title.removeprefix("plan: "))
    yield heading("inputs", ", ".join(value.inputs) or "none")
    yield fold("as a program", pre(listing))


def report(value: Any, text: str) -> Iterator[str]:
    """Its lines, what takes longest first."""
    yield pre(text)
