"""Child processes that end within their time limit, and can be interrupted whoever started the tests."""

import signal
import subprocess
from contextlib import contextmanager
from threading import Timer

HEARD = (signal.SIGINT, signal.SIGTERM)


def ignore(*_):
    """A handler. Unlike SIG_IGN it is not handed on to a child, which has the signal at its default."""


@contextmanager
def signals_heard():
    """A child that is started inside it ends at Ctrl-C and SIGTERM.

    Who runs the tests may ignore them, as a shell makes its background jobs do, and a child would inherit that.
    """
    ignored = [number for number in HEARD if signal.getsignal(number) is signal.SIG_IGN]
    for number in ignored:
        signal.signal(number, ignore)
    try:
        yield
    finally:
        for number in ignored:
            signal.signal(number, signal.SIG_IGN)


def run(command, timeout=120, check=True, **how):
    """As subprocess.run: when its time is over the child is killed, and TimeoutExpired raised."""
    with signals_heard():
        return subprocess.run(command, timeout=timeout, check=check, **how)


@contextmanager
def running(command, seconds=120, **how):
    """A Popen. When its time is over it is killed, so that whoever reads its output comes to the end of it."""
    with signals_heard():
        child = subprocess.Popen(command, **how)
    late = Timer(seconds, child.kill)
    late.start()
    try:
        with child:
            try:
                yield child
            except BaseException:
                child.kill()
                raise
    finally:
        late.cancel()
