"""What holds inside a with statement, closed whatever happens.

Python may raise KeyboardInterrupt at the entry of any function and behind any call, so in an
``__exit__`` written in Python before its first line. The end of a scope is therefore one call of C:
the release of a lock. Whoever asks what holds steps over the scopes whose lock is free.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import sys
from collections.abc import Callable
from contextvars import ContextVar
from threading import Lock
from types import FrameType
from typing import Any, ClassVar, Self

GENERATORS = inspect.CO_GENERATOR | inspect.CO_ASYNC_GENERATOR
"""The flags of code that is suspended in the middle."""


class _Closing:
    """``__exit__`` of a scope: the release of its lock, itself."""

    def __get__(self, scope: Scope | None, owner: type) -> Any:
        return self if scope is None else scope._lock.__exit__

    def __call__(self, scope: Scope, *error: Any) -> None:
        """As ExitStack calls it."""
        scope._lock.__exit__(*error)


class Scope:
    """Something that holds inside its with statement, and in what is called from there.

    It holds in this thread or asyncio task; of a generator while that runs, not in what consumes
    it. Each kind of scope has a ``variable`` of its own, and a ``title`` for messages.
    """

    __slots__ = ("_before", "_generator", "_lock")
    variable: ClassVar[ContextVar[Any]]
    title: str

    def __init__(self) -> None:
        # held while the scope is open
        self._lock = Lock()

    def __enter__(self) -> Self:
        if not self._lock.acquire(blocking=False):
            from minigrad.errors import ArgumentError

            remedy = "Make one for each with statement"
            raise ArgumentError(self.title, got="entered twice", remedy=remedy)
        frame = sys._getframe(1)
        is_generator = frame.f_code.co_flags & GENERATORS
        self._generator = _suspendable(frame) if is_generator else None
        before = self.variable.get()
        self._before = before and _open(before)
        try:
            self.variable.set(self)
        except BaseException:
            # an interrupt behind the call
            self.close()
            raise
        return self

    __exit__ = _Closing()

    def close(self) -> None:
        """End it, as the end of its with statement does."""
        if self.is_open:
            self._lock.release()

    @property
    def is_open(self) -> bool:
        """Whether it was entered and not left."""
        return self._lock.locked()

    def is_running(self) -> bool:
        """Whether it holds for the running code; a suspended generator was resumed by nobody."""
        return self._lock.locked() and (
            self._generator is None or self._generator.f_back is not None
        )


def holding(variable: ContextVar[Any]) -> Any:
    """The innermost scope of that kind that holds for the running code; None without one."""
    scope = variable.get()
    # quickly, for every recorded node asks
    if scope is None or (scope._generator is None and scope._lock.locked()):
        return scope
    # what is closed is not met again
    scope = _open(scope)
    variable.set(scope)
    while scope is not None and not scope.is_running():
        scope = _open(scope._before)
    return scope


def all_holding(variable: ContextVar[Any]) -> list[Any]:
    """All scopes of that kind that hold for the running code, the outermost first."""
    scopes = []
    scope = holding(variable)
    while scope is not None:
        if scope.is_running():
            scopes.append(scope)
        scope = _open(scope._before)
    return scopes[::-1]


def _open(scope: Scope | None) -> Scope | None:
    """The scope, or the innermost one around it, that is not closed."""
    while scope is not None and not scope._lock.locked():
        scope = scope._before
    return scope


def _suspendable(frame: FrameType) -> FrameType | None:
    """The frame of a generator, if it may be left while the scope is open.

    One that contextlib drives is a with statement of the user's own, and holds in what that holds.
    """
    driver = frame.f_back
    if driver is not None and driver.f_code.co_filename == contextlib.__file__:
        return None
    return frame


def held_over(make: Callable[[], Scope], fn: Callable[..., Any]) -> Callable[..., Any]:
    """The function, with a scope of its own around each call; around all that a generator does."""

    async def async_generator(*args: Any, **kwargs: Any) -> Any:
        with make():
            async for value in fn(*args, **kwargs):
                yield value

    async def coroutine(*args: Any, **kwargs: Any) -> Any:
        with make():
            return await fn(*args, **kwargs)

    def generator(*args: Any, **kwargs: Any) -> Any:
        with make():
            return (yield from fn(*args, **kwargs))

    def function(*args: Any, **kwargs: Any) -> Any:
        with make():
            return fn(*args, **kwargs)

    if inspect.isasyncgenfunction(fn):
        return functools.wraps(fn)(async_generator)
    if inspect.iscoroutinefunction(fn):
        return functools.wraps(fn)(coroutine)
    if inspect.isgeneratorfunction(fn):
        return functools.wraps(fn)(generator)
    return functools.wraps(fn)(function)
