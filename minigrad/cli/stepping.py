"""What ``minigrad step`` does once its options are read."""

from __future__ import annotations

import argparse

from minigrad import Tape, debug
from minigrad.errors import ArgumentError
from minigrad.models.book.cases import CASES, network
from minigrad.transforms import truncate, untie

from .script import script

DEFAULT_STEPS = 3


def step(args: argparse.Namespace) -> None:
    """Step through the tape of a script, a case or a small network: here, or on a page."""
    _refuse_two_tapes(args)
    full = _tape(args)
    tape = truncate(full, every=args.truncate) if args.truncate else full
    if args.untie:
        full = untie(full, full.parameters)
        tape = untie(tape, tape.parameters)
    if args.html:
        # Only here: viz needs libraries that the terminal does without.
        from minigrad import viz

        differs = args.truncate and tape is not full
        path = viz.stepper(full, args.html, beside=tape if differs else None)
        print(f"wrote {path}")
    else:
        debug(tape)


def _refuse_two_tapes(args: argparse.Namespace) -> None:
    """Raise ArgumentError where more than one thing to step through is named."""
    sources = [args.file, args.demo, args.cell]
    named = [source for source in sources if source]
    steps_of_script = args.file and args.steps
    if len(named) > 1 or steps_of_script:
        subject = f"'{args.file}'" if args.file else "--demo"
        expected = "one of FILE.py, --demo and --cell"
        raise ArgumentError(f"step {subject}", got="another network too", expected=expected)


def _tape(args: argparse.Namespace) -> Tape:
    """What is to be stepped through."""
    if args.file:
        return script(args.file)
    if not args.demo:
        loss = network(args.cell or "rnn", args.steps or DEFAULT_STEPS)
    elif args.steps:
        loss = CASES[args.demo](args.steps)
    else:
        loss = CASES[args.demo]()
    return Tape.of(loss)
