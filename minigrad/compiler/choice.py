"""Which backend a plan gets: asked for, or the one that is measured to be faster."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Literal, get_args

from minigrad.compiler.run.plan import Plan
from minigrad.errors import UnsupportedError

from .native.toolchain import CompilerError

Backend = Literal["numpy", "native", "auto"]
BACKENDS: tuple[str, ...] = get_args(Backend)
REMEDY = "Install a C compiler (gcc, clang), or pip install ziglang"

TIMED_RUNS = 3
MICROSECONDS = 1e6


def planned(compiled: Callable[[bool], Plan], backend: str) -> Plan:
    """The plan of a backend. compiled: gives the plan with native code, or without.

    Raises UnsupportedError for native code where nothing compiles it.
    """
    if backend == "numpy":
        return compiled(False)
    try:
        native = compiled(True)
    except CompilerError as error:
        if backend == "native":
            raise UnsupportedError("compile", got=str(error), remedy=REMEDY) from None
        plan = compiled(False)
        plan._note(f"NumPy: {error}")
        return plan
    if backend == "native":
        return native
    plan = compiled(False)
    seconds, native_seconds = _seconds(plan), _seconds(native)
    faster = native if native_seconds < seconds else plan
    times = f"native {native_seconds * MICROSECONDS:.0f} us, NumPy {seconds * MICROSECONDS:.0f} us"
    faster._note(f"measured: {times}")
    return faster


def _seconds(plan: Plan) -> float:
    """The shortest time of a call that carries nothing."""
    best = float("inf")
    for _ in range(TIMED_RUNS):
        start = perf_counter()
        plan._run({})
        best = min(best, perf_counter() - start)
    return best
