"""The user's own script, run as Python runs it, for a backward pass to step through."""

from __future__ import annotations

import contextlib
import contextvars
import importlib.util
import io
import os
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from minigrad import Tape, Tensor
from minigrad.debugger.passes import BACKWARD, GRAD, SWEEP, Pass, Passes
from minigrad.errors import ArgumentError, MinigradError

LOSS = "loss"
COMPILED = "  what mg.compile() makes of it records nothing: these are the values it was given"
REMEDY = "Call loss.backward() in it, or name a Tensor that it leaves with --loss NAME"


@dataclass(frozen=True)
class Program:
    """A script or module to run, and its arguments."""

    name: str
    arguments: Sequence[str] = ()
    is_module: bool = False

    @property
    def command(self) -> str:
        """What messages call it."""
        return f"step -m {self.name}" if self.is_module else f"step {self.name}"


@dataclass(frozen=True)
class Ended:
    """What a program left: its variables, and the error that it ended with."""

    names: dict[str, Any]
    error: BaseException | None = None


@dataclass(frozen=True)
class Chosen:
    """What is stepped: its tape, lines that say which pass it is, the program's variables then."""

    tape: Tape
    title: Sequence[str] = ()
    variables: Mapping[str, Any] = field(default_factory=dict)


def script_pass(program: Program, passes: Passes) -> Chosen:
    """Run a program; its chosen backward pass, values as they were when it ran.

    Where there was none it is the tape of a Tensor ``loss``, or of another name, that it leaves.
    What is stepped, and how the program failed, is said.

    Raises: ArgumentError where there is no such program, or nothing in it to step through;
    KeyboardInterrupt where it was interrupted before there was anything.
    """
    code, module, path = _loaded(program)
    process = os.getpid()
    # what the program leaves open, as a time step or no_grad(), ends with it
    ended = contextvars.copy_context().run(_run, code, module, path, program, passes)
    if os.getpid() != process:
        # a child that it forked, which is nobody's to step through: it ends as it would have
        raise ended.error or SystemExit
    _refuse_closed_streams(program)
    chosen = _found(program, passes, ended)
    if ended.error is not None and not _is_a_good_end(ended.error):
        line = _failed(program, ended.error, path)
        print(f"minigrad: {line.text}", file=sys.stderr)
    for line_of_title in chosen.title:
        print(line_of_title)
    return chosen


# --- running --------------------------------------------------------------------------------------
def _loaded(program: Program) -> tuple[CodeType, ModuleType, str]:
    """The code of a program, a module for it to run in, and its file."""
    module = ModuleType("__main__")
    if program.is_module:
        return _loaded_module(program, module)
    if not os.path.isfile(program.name):
        remedy = "Name a script that calls loss.backward(), or leaves a Tensor `loss`"
        raise ArgumentError(program.command, got="no such file", remedy=remedy)
    path = os.path.abspath(program.name)
    with io.open_code(path) as file:
        source = file.read()
    try:
        code = compile(source, path, "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        raise _failed(program, error, path) from None
    module.__file__ = path
    return code, module, path


def _loaded_module(program: Program, module: ModuleType) -> tuple[CodeType, ModuleType, str]:
    """The same of ``-m NAME``; a package is its ``__main__``."""
    with _import_path(os.getcwd()):
        try:
            spec = importlib.util.find_spec(program.name)
            if spec is not None and spec.submodule_search_locations is not None:
                spec = importlib.util.find_spec(f"{program.name}.__main__")
            loader: Any = spec and spec.loader
            code = loader and loader.get_code(spec and spec.name)
        except (ImportError, SyntaxError, ValueError) as error:
            raise _failed(program, error, "") from None
    if spec is None or code is None:
        raise ArgumentError(program.command, got=f"no module {program.name!r} that runs")
    path = spec.origin or ""
    module.__spec__, module.__package__, module.__loader__ = spec, spec.parent, spec.loader
    module.__file__ = path
    return code, module, path


def _run(code: CodeType, module: ModuleType, path: str, program: Program, passes: Passes) -> Ended:
    """Run it as ``python FILE`` and ``python -m NAME`` do; whatever ends it is noted."""
    folder = os.getcwd() if program.is_module else os.path.dirname(os.path.realpath(path))
    first = path if program.is_module else program.name
    names = vars(module)
    with _as_main(module, [first, *program.arguments]), _import_path(folder), passes:
        try:
            exec(code, names)
        except BaseException as error:
            return Ended(names, error)
    return Ended(names)


def _refuse_closed_streams(program: Program) -> None:
    for name in ("stdin", "stdout"):
        stream = getattr(sys, name)
        if stream is not None and stream.closed:
            expected = "expected it open, for you to step through the pass"
            raise ArgumentError(program.command, got=f"it closed sys.{name}", expected=expected)


@contextlib.contextmanager
def _as_main(module: ModuleType, arguments: list[str]) -> Iterator[None]:
    """Python's main module, arguments, streams and folder: afterwards as they were."""
    main, argv = sys.modules["__main__"], sys.argv
    streams = sys.stdin, sys.stdout, sys.stderr
    sys.modules["__main__"], sys.argv = module, arguments
    with contextlib.chdir(os.getcwd()):
        try:
            yield
        finally:
            sys.modules["__main__"], sys.argv = main, argv
            sys.stdin, sys.stdout, sys.stderr = streams


@contextlib.contextmanager
def _import_path(folder: str) -> Iterator[None]:
    """Imports from a folder first."""
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        # the program may have changed the list
        with contextlib.suppress(ValueError):
            sys.path.remove(folder)


# --- what to step through -------------------------------------------------------------------------
def _found(program: Program, passes: Passes, ended: Ended) -> Chosen:
    """The pass that was asked for, of backward() if there was one; else a loss that is left."""
    for kind in (BACKWARD, GRAD):
        if passes.counts[kind]:
            return _chosen(program, passes, kind)
    left = ended.names.get(passes.name or LOSS)
    swept = passes.chosen(SWEEP)
    if swept is not None and (swept.output is left or not isinstance(left, (Tape, Tensor))):
        return _chosen(program, passes, SWEEP)
    if isinstance(left, Tape):
        return Chosen(left)
    if isinstance(left, Tensor):
        return Chosen(Tape.of(left))
    raise _nothing(program, passes, ended, left)


def _chosen(program: Program, passes: Passes, kind: str) -> Chosen:
    """The chosen pass of a kind."""
    count = passes.counts[kind]
    chosen = passes.chosen(kind)
    if chosen is None:
        got = f"--pass {passes.number}; backward passes: {count}"
        raise ArgumentError(program.command, got=got, expected=f"1 to {count}, or -1 for the last")
    title = f"pass {chosen.number} of {count}: {_title(chosen)}, values as they were then"
    lines = [title, COMPILED] if "differentiate" in chosen.call else [title]
    return Chosen(chosen.tape(), lines, chosen.variables)


def _title(chosen: Pass) -> str:
    """The call and its line."""
    call = chosen.call.rpartition(".")[2]
    return f"{call}() [{chosen.where}]"


def _nothing(program: Program, passes: Passes, ended: Ended, left: object) -> BaseException:
    """What to raise where there is nothing to step through."""
    error = ended.error
    if isinstance(error, KeyboardInterrupt):
        return error
    if error is not None and not _is_a_good_end(error):
        file = ended.names["__file__"]
        return _failed(program, error, file)
    name = passes.name or LOSS
    if left is not None:
        kind = type(left).__name__
        got = f"no backward pass in the main thread, and its `{name}` is a {kind}"
    elif passes.name:
        known = ", ".join(sorted(passes.names)) or "none"
        got = f"no backward pass from a `{name}`, and it leaves no Tensor of that name"
        return ArgumentError(program.command, got=got, expected=f"there were passes from {known}")
    else:
        got = f"no backward pass in the main thread, and it leaves no `{name}`"
    return ArgumentError(program.command, got=got, remedy=REMEDY)


# --- how it ended ---------------------------------------------------------------------------------
def _is_a_good_end(error: BaseException) -> bool:
    return isinstance(error, SystemExit) and error.code in (None, 0)


def _failed(program: Program, error: BaseException, path: str) -> ArgumentError:
    """How a program ended, as an error of one line."""
    where = "" if isinstance(error, SystemExit) else _where(error, path)
    return ArgumentError(program.command, got=_failure(error), where=where)


def _where(error: BaseException, path: str) -> str:
    """The line of the script in which it failed; the script alone where it did not even begin."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == path]
    name = Path(path).name
    return f"{name}:{lines[-1]}" if lines else name


def _failure(error: BaseException) -> str:
    """What went wrong, on one line."""
    if isinstance(error, KeyboardInterrupt):
        return "interrupted"
    text = f"{type(error).__name__}: {error}"
    if isinstance(error, SystemExit):
        return f"it ends with {error!r}"
    if isinstance(error, MinigradError):
        text = error.text
    return " ".join(f"it fails: {text}".split())
