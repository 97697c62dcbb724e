"""A child process to talk to that ends within its time limit, whatever it or its reader waits for."""

import subprocess
from contextlib import contextmanager
from threading import Timer


@contextmanager
def running(command, seconds=120, **how):
    """A Popen. When its time is over it is killed, so that whoever reads its output comes to the end of it."""
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
