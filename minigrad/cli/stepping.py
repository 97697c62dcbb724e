"""What ``minigrad step`` does once its options are read."""

from __future__ import annotations

import argparse

from minigrad import Tape
from minigrad.debugger.passes import LAST, Passes
from minigrad.debugger.terminal import Debugger
from minigrad.errors import ArgumentError
from minigrad.files import refuse_unwritable
from minigrad.models.book.cases import CASES, network
from minigrad.transforms import truncate, untie

from .script import Chosen, Program, script_pass

DEFAULT_STEPS = 3


def step(args: argparse.Namespace) -> None:
    """Step through the tape of a script, a case or a small network: here, or on a page."""
    _refuse_two_tapes(args)
    if args.html:
        # before a script trains for an hour
        refuse_unwritable(args.html, (".html",))
    chosen = _chosen(args)
    full = chosen.tape
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
        Debugger(tape, variables=chosen.variables).run()


def _refuse_two_tapes(args: argparse.Namespace) -> None:
    """Raise ArgumentError where more than one thing to step through is named, or none of options.

    What is said of a script's passes means nothing without one.
    """
    program = args.file or args.module
    sources = [args.file, args.module, args.demo, args.cell]
    named = [source for source in sources if source]
    if len(named) > 1 or (program and args.steps):
        subject = f"'{program}'" if program else "--demo"
        expected = "one of FILE.py, -m MODULE, --demo and --cell"
        raise ArgumentError(f"step {subject}", got="another network too", expected=expected)
    of_scripts = {"--loss": args.loss, "--pass": args.number, "--": args.arguments}
    options = [option for option, value in of_scripts.items() if value]
    if options and not program:
        remedy = "Name a script: minigrad step FILE.py"
        raise ArgumentError(f"step {options[0]}", got="no script to run", remedy=remedy)


def _chosen(args: argparse.Namespace) -> Chosen:
    """What is to be stepped through."""
    if args.file or args.module:
        program = Program(args.file or args.module, args.arguments, bool(args.module))
        return script_pass(program, Passes(args.number or LAST, args.loss))
    if not args.demo:
        loss = network(args.cell or "rnn", args.steps or DEFAULT_STEPS)
    elif args.steps:
        loss = CASES[args.demo](args.steps)
    else:
        loss = CASES[args.demo]()
    return Chosen(Tape.of(loss))
