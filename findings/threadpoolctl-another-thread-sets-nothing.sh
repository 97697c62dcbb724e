#!/usr/bin/env bash
# threadpoolctl 3.8.0 with NumPy 2.4.6 (PyPI), seen on 2026-11-28.
#
# The number of threads of a BLAS is a setting of the process; threadpoolctl reads and sets it.
#
# The good guess: set_num_threads of a library controller, and threadpool_limits, set it from whatever thread calls
# them, or raise an error where they cannot.
#
# Seen with the OpenBLAS of NumPy's wheels: the first thread that sets a number owns the setting as long as it lives.
# A call from any other thread changes nothing and says nothing. A worker that sets one thread, and a main thread that
# sets the number back, leave BLAS at one thread.
#
#   before                                [2]
#   set to 1 by a worker that lives on    [1]
#   set back by the main thread           [1]
#   set back when the worker has ended    [2]
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv env
env/bin/pip install -q "threadpoolctl==3.8.0" "numpy==2.4.6"
cat > seen.py <<'PY'
import os

os.environ["OPENBLAS_NUM_THREADS"] = "2"
import threading

import numpy
from threadpoolctl import ThreadpoolController

libraries = [lib for lib in ThreadpoolController().lib_controllers if lib.user_api == "blas"]
assert libraries and numpy.__version__ == "2.4.6"


def counts():
    return [lib.get_num_threads() for lib in libraries]


def set_all(count):
    for lib in libraries:
        lib.set_num_threads(count)


def work():
    set_all(1)
    is_set.set()
    may_end.wait(20)


is_set, may_end = threading.Event(), threading.Event()
before = counts()
worker = threading.Thread(target=work)
worker.start()
assert is_set.wait(20)
by_worker = counts()
set_all(before[0])
by_main = counts()
may_end.set()
worker.join(20)
set_all(before[0])
after = counts()
print("before                             ", before)
print("set to 1 by a worker that lives on ", by_worker)
print("set back by the main thread        ", by_main)
print("set back when the worker has ended ", after)
assert [before, by_worker, by_main] == [[2], [1], [1]]
PY
env/bin/python seen.py
