#!/usr/bin/env bash
# CPython 3.11.7 and 3.12.1, seen on 2026-11-28; no package beyond the standard library.
#
# frame.f_lasti is the offset of the instruction that a frame is at. Libraries that record calls keep (f_code, f_lasti)
# of the caller as the identity of an expression: it is cheaper than the line, and tells two calls of one line apart.
#
# The good guess: the same expression of the same code object, run again in a loop, has the same f_lasti.
#
# Seen: after a few runs the interpreter specialises the instruction. Where x[i] runs a __getitem__ written in Python,
# the frame of the caller then stands behind the inline cache of the instruction instead of at it: the first runs and
# the later ones differ, in the same process, for the same expression. On 3.13.0 they do not.
#
#   3.11.7   offsets of table[step] in 40 runs of one loop: 7 times 68, then 33 times 76; in the next loop 40 times 76
#
# What stays the same is code.co_positions() at f_lasti // 2: the units of an inline cache have the positions of their
# instruction.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat > "$work/seen.py" <<'PY'
import sys


class Table:
    def __getitem__(self, key):
        return sys._getframe(1).f_lasti


def offsets(table):
    seen = []
    for step in range(40):
        seen.append(table[step])
    return seen


first = offsets(Table())
again = offsets(Table())
positions = list(offsets.__code__.co_positions())
print("offsets:", sorted(set(first)), "then", sorted(set(again)))
assert len(set(first)) == 2, "the offset no longer moves"
assert set(again) == {first[-1]}
assert len({positions[offset // 2] for offset in first}) == 1, "the positions move, too"
PY
python3.11 -VV
python3.11 "$work/seen.py"
