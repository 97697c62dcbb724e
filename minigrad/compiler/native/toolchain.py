"""The system's C compiler, or that of the package ziglang; what it made is kept for later."""

from __future__ import annotations

import atexit
import ctypes
import functools
import hashlib
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

COMPILERS = ("cc", "gcc", "clang")
FLAGS = (
    "-ftree-vectorize",
    "-fvect-cost-model=dynamic",
    "-march=native",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-fno-strict-aliasing",
    "-shared",
    "-fPIC",
    "-w",
)
MAX_SECONDS = 120
# libraries in the cache, of some 50 kB each
MAX_KEPT = 500


class CompilerError(Exception):
    """No compiler, or one that does not compile this."""


@functools.cache
def compiler() -> tuple[str, ...] | None:
    """The command of a C compiler; None where there is none."""
    for name in COMPILERS:
        path = shutil.which(name)
        if path is not None:
            return (path,)
    if importlib.util.find_spec("ziglang") is not None:
        return (sys.executable, "-m", "ziglang", "cc")
    return None


def library(source: str, optimize: str) -> ctypes.CDLL:
    """The source as a loaded library, from the cache or compiled now.

    optimize: the compiler's flag.
    Raises CompilerError.
    """
    command = compiler()
    if command is None:
        raise CompilerError("no C compiler")
    command = (*command, optimize, *FLAGS)
    identity = "\0".join([source, *command, _machine()])
    key = hashlib.sha256(identity.encode()).hexdigest()
    path = _cache() / f"{key}.so"
    if path.exists():
        try:
            return ctypes.CDLL(str(path))
        except OSError:
            # damaged, or forgotten by another process meanwhile: compiled anew
            path.unlink(missing_ok=True)
    _forget_oldest(path.parent)
    _compile(source, path, command)
    return ctypes.CDLL(str(path))


def _forget_oldest(folder: Path) -> None:
    """Make room for one more."""
    kept = sorted(folder.glob("*.so"), key=_last_change)
    for path in kept[: max(0, len(kept) - MAX_KEPT)]:
        path.unlink(missing_ok=True)


def _last_change(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        # another process was here
        return 0.0


def _compile(source: str, path: Path, command: Sequence[str]) -> None:
    """Compile into a file beside it, and move that there when it is whole."""
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        text = Path(folder, "segments.c")
        text.write_text(source)
        made = Path(folder, "segments.so")
        arguments = [*command, str(text), "-o", str(made), "-lm"]
        try:
            done = subprocess.run(
                arguments, check=False, capture_output=True, text=True, timeout=MAX_SECONDS
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise CompilerError(str(error)) from None
        if done.returncode:
            raise CompilerError(_first_error(done.stderr) or f"it ended with {done.returncode}")
        os.replace(made, path)


def _first_error(text: str) -> str:
    """The first line of a compiler's messages that says what is wrong."""
    lines = text.strip().splitlines()
    return next((line for line in lines if "error" in line), "".join(lines[:1]))


@functools.cache
def _cache() -> Path:
    """The folder of what was compiled: the user's own, or one for this process."""
    try:
        root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        folder = Path(root, "minigrad")
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # what is loaded from there runs: it must be nobody else's
        if os.access(folder, os.W_OK) and folder.stat().st_uid == os.getuid():
            return folder
    except (OSError, RuntimeError, AttributeError):
        # no home, not to be written to, or no such numbers of users
        pass
    own = tempfile.mkdtemp(prefix="minigrad-")
    atexit.register(shutil.rmtree, own, ignore_errors=True)
    return Path(own)


@functools.cache
def _machine() -> str:
    """What the code is compiled for: other processors may not have its instructions."""
    text = [platform.machine(), platform.processor(), platform.system()]
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        text += sorted(
            {line for line in lines if line.startswith(("flags", "model name", "Features"))}
        )
    except OSError:
        pass
    return "\n".join(text)
