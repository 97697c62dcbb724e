"""Laying a graph out by Graphviz or pygraphviz, in a child process with a time limit."""

from __future__ import annotations

import atexit
import contextlib
import os
import pickle
import re
import shutil
import subprocess
import sys
from threading import Lock, Timer
from typing import Any

# seconds
LIMIT = 30.0
_WORKER = """
import os, pickle, sys
out = os.fdopen(os.dup(1), "wb")
nowhere = os.open(os.devnull, os.O_WRONLY)
os.dup2(nowhere, 1)
os.dup2(nowhere, 2)  # what the library says of the system's fonts says nothing of the picture
from pygraphviz import AGraph
while True:
    try:
        source, engine = pickle.load(sys.stdin.buffer)
    except EOFError:
        break
    try:
        answer = AGraph(string=source).draw(format="json", prog=engine)
    except Exception as error:
        answer = str(error)
    pickle.dump(answer, out)
    out.flush()
"""
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
# of the private use area: no name on a picture has it
_BACKSLASH = "\ue05c"
_one_at_a_time = Lock()
# by our own process id: a fork must not share its parent's
_workers: dict[int, subprocess.Popen[bytes]] = {}


class TimeLimitError(Exception):
    """Graphviz did not come to an end in time."""


def laid_out(source: str, engine: str, limit: float = LIMIT) -> bytes | None:
    """Where everything of a DOT source stands, as Graphviz's JSON.

    None where neither ``dot`` nor pygraphviz is there.

    Raises TimeLimitError after ``limit`` seconds.
    """
    source = _without_backslashes(source)
    answer = _answered(source, engine, limit)
    return answer and answer.replace(_BACKSLASH.encode(), b"\\\\")


def _without_backslashes(source: str) -> str:
    """The source with another character for each backslash of a text.

    Graphviz takes a backslash, even one that is escaped, for more than one character in its JSON,
    and then leaves out the end of the text.
    """
    return _ESCAPE.sub(lambda match: _BACKSLASH if match[1] == "\\" else match[0], source)


def _answered(source: str, engine: str, limit: float) -> bytes | None:
    # the one program, which takes the engine as an option
    program = shutil.which("dot")
    if program:
        return _by_program([program, f"-K{engine}", "-Tjson"], source, limit)
    if not _installed():
        return None
    with _one_at_a_time:
        answer: bytes | str = _asked((source, engine), limit)
    if isinstance(answer, str):
        raise ValueError(answer)
    return answer


def _by_program(command: list[str], source: str, limit: float) -> bytes:
    try:
        done = subprocess.run(
            command,
            input=source.encode(),
            capture_output=True,
            timeout=limit,
            check=True,
        )
    except subprocess.TimeoutExpired:
        raise TimeLimitError from None
    return done.stdout


def _installed() -> bool:
    """Whether a child could import pygraphviz.

    It is not imported here, where a crash of its library would end us.
    """
    if "pygraphviz" in sys.modules:
        return sys.modules["pygraphviz"] is not None
    from importlib.util import find_spec

    return find_spec("pygraphviz") is not None


def _asked(request: tuple[str, str], limit: float) -> Any:
    """The worker's answer; one that takes too long is killed, and the next request starts one."""
    worker = _workers.get(os.getpid())
    if worker is None or worker.poll() is not None:
        worker = _started()
    assert worker.stdin is not None
    assert worker.stdout is not None
    late = Timer(limit, worker.kill)
    late.start()
    try:
        pickle.dump(request, worker.stdin)
        worker.stdin.flush()
        return pickle.load(worker.stdout)
    # also where we are interrupted: the answer would be taken for that to the next request
    except BaseException as error:
        in_time = late.is_alive()
        _end(worker)
        if isinstance(error, (EOFError, BrokenPipeError, pickle.UnpicklingError)):
            raise (ValueError("Graphviz crashed") if in_time else TimeLimitError()) from None
        raise
    finally:
        late.cancel()


def _started() -> subprocess.Popen[bytes]:
    """A new worker in place of one that has ended."""
    close()
    paths = os.pathsep.join(path for path in sys.path if path)
    worker = subprocess.Popen(
        [sys.executable, "-c", _WORKER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": paths},
    )
    _workers[os.getpid()] = worker
    return worker


def _end(worker: subprocess.Popen[bytes]) -> None:
    worker.kill()
    worker.wait()
    for pipe in (worker.stdin, worker.stdout):
        if pipe:
            with contextlib.suppress(OSError):
                pipe.close()
    _workers.pop(os.getpid(), None)


@atexit.register
def close() -> None:
    """End the worker, if there is one."""
    if worker := _workers.get(os.getpid()):
        _end(worker)
