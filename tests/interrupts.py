"""What the tests of Ctrl-C share."""

import contextlib
import signal


@contextlib.contextmanager
def interrupts():
    """SIGALRM raises KeyboardInterrupt, as Ctrl-C does."""

    def interrupt(*_):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
