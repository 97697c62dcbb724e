"""The page to step through backward with, forwards and back: one file, opened from disk, that asks for nothing else."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Callable
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy.typing as npt
from minigrad.viz import style

from minigrad import Tape, Tensor
from minigrad.errors import ArgumentError
from minigrad.files import write_atomically

from .steps import Reel, caption
from .svg import scene, still

LIMIT = 2_000_000  # bytes of a page
NUMBERS = (
    256,
    100,
    64,
    36,
    16,
    4,
    1,
)  # shown of one array; the most that keep the page below the limit


def stepper(
    tape: Tape,
    file: str | os.PathLike[str],
    beside: Tape | None = None,
    gradient: npt.ArrayLike | None = None,
) -> Path:
    """Write an HTML page that steps through the backward pass of a tape, or of two, such as full and truncated.

    The page runs offline and loads nothing. Large arrays are shown in blocks, so that it stays below 2 MB.
    Raises ArgumentError for what is no tape or no .html, GradientError where the tape has no backward pass.
    """
    tapes = [tape] if beside is None else [tape, beside]
    for each in tapes:
        if not isinstance(each, Tape):
            got = f"a {type(each).__name__}"
            raise ArgumentError(
                "stepper", got=got, expected="expected a Tape, as Tape.of(loss) makes"
            )
    _named(file, "stepper", ".html")
    return write_atomically(file, page([Reel(t, caption(t), gradient) for t in tapes]).encode())


def snapshot(tape: Tape, state: Callable[[Tensor], str], file: str | os.PathLike[str]) -> Path:
    """Write the tape as .svg, each node coloured by its state in a backward pass: visited, current, waiting, ahead."""
    _named(file, "draw", ".svg", ".html")
    return write_atomically(file, still(tape, state).encode())


def page(reels: list[Reel]) -> str:
    """The page's text."""
    moments = sorted({m for reel in reels for m in reel.moments()})
    counts = [[0] * len(reels)]
    taken = [{m: i + 1 for i, m in enumerate(reel.moments())} for reel in reels]
    for m in moments:
        counts.append([its.get(m, before) for its, before in zip(taken, counts[-1], strict=True)])
    scenes = [scene(reel.tape, f"t{i}", _blank_state(reel)) for i, reel in enumerate(reels)]
    text = ""
    for most in NUMBERS:
        text = _filled(scenes, {"moments": counts, "tapes": [reel.data(most) for reel in reels]})
        if len(text.encode()) < LIMIT:
            break
    return text


def _blank_state(reel: Reel) -> Callable[[Tensor], str]:
    return lambda n: "ahead" if n in reel.session.reached else "unreached"


def _filled(scenes: list[str], data: dict[str, Any]) -> str:
    """Template, style and script in one; the policy admits exactly these two and nothing from outside."""
    css, js = _resource("css"), _resource("js")
    policy = (
        f"default-src 'none'; script-src '{_digest(js)}'; style-src '{_digest(css)}'; base-uri 'none'; "
        "form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    )
    parts = {
        "policy": escape(policy),
        "css": css,
        "js": js,
        "scenes": "\n".join(map(_framed, scenes)),
        "data": json.dumps(data, separators=(",", ":"), ensure_ascii=False).replace("<", "\\u003c"),
        "title": escape(" | ".join(style.plain(t["title"], 80) for t in data["tapes"])),
    }
    pieces = _resource("html").split("%%")
    return "".join(parts[p] if i % 2 else p for i, p in enumerate(pieces))


def _framed(svg: str) -> str:
    return (
        f'<div class="scene" tabindex="0" aria-label="the unrolled graph, scrollable">{svg}</div>'
    )


def _resource(kind: str) -> str:
    return files(__package__).joinpath(f"stepper.{kind}").read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _named(file: str | os.PathLike[str], what: str, *suffixes: str) -> None:
    if Path(file).suffix.lower() not in suffixes[:1]:
        expected = f"expected a name ending in {' or '.join(suffixes)}"
        raise ArgumentError(what, got=f"{str(file)!r}", expected=expected)
