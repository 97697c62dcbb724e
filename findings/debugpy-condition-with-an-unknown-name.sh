#!/usr/bin/env bash
# debugpy 1.8.22 (PyPI), seen on 2026-11-28 with Python 3.11.7 and 3.12.1.
#
# A breakpoint may have a condition. What if it cannot be evaluated: a misspelt name, a division by zero?
#
# The good guess: the program stops there, as pdb does ("the most conservative thing is to stop"), or the editor is told
# what is wrong.
#
# Seen over the Debug Adapter Protocol: the breakpoint is "verified", the program never stops on it, and for a name that
# is not there nobody is told: no output, no event. Other errors are printed to the debug console, and do not stop it
# either. A misspelt condition is as good as no breakpoint.
#
#   condition     pdb     debugpy     debugpy's console
#   t == 2        1 stop  1 stop      -
#   tt == 2       3 stops 0 stops     -
#   1 / 0         3 stops 0 stops     ZeroDivisionError: division by zero
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv env
env/bin/pip install -q "debugpy==1.8.22"
printf 'for t in (1, 2, 3):\n    y = t * 2\n' > loop.py
cat > seen.py <<'PY'
import json
import subprocess
import sys
import threading
from pathlib import Path

SECONDS = 100
LOOP = str(Path("loop.py").resolve())


def by_pdb(condition):
    commands = f"b 2, {condition}\n" + "c\n" * 4 + "q\n"
    command = [sys.executable, "-m", "pdb", LOOP]
    said = subprocess.run(command, input=commands, capture_output=True, text=True, timeout=SECONDS)
    # it starts the program again when that has ended
    return said.stdout.split("The program finished")[0].count("loop.py(2)")


def by_debugpy(condition):
    """(stops, what the console said), as an editor sees them."""
    pipe = subprocess.PIPE
    adapter = subprocess.Popen([sys.executable, "-m", "debugpy.adapter"], stdin=pipe, stdout=pipe)
    late = threading.Timer(SECONDS, adapter.kill)
    late.start()

    def send(number, command, **arguments):
        message = {"seq": number, "type": "request", "command": command, "arguments": arguments}
        text = json.dumps(message).encode()
        adapter.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(text), text))
        adapter.stdin.flush()

    send(1, "initialize", adapterID="python", pathFormat="path")
    send(2, "launch", program=LOOP, console="internalConsole")
    stops, console = 0, ""
    while True:
        header = adapter.stdout.readline()
        assert header, "the adapter ended"
        adapter.stdout.readline()
        message = json.loads(adapter.stdout.read(int(header.split(b":")[1])))
        body = message.get("body") or {}
        if message.get("event") == "initialized":
            rows = [{"line": 2, "condition": condition}]
            send(3, "setBreakpoints", source={"path": LOOP}, breakpoints=rows)
            send(4, "configurationDone")
        elif message.get("command") == "setBreakpoints":
            assert body["breakpoints"][0]["verified"]
        elif message.get("event") == "stopped":
            stops += 1
            send(5, "continue", threadId=body["threadId"])
        elif message.get("event") == "output" and body["category"] not in ("telemetry", "stdout"):
            console += body["output"]
        elif message.get("event") == "terminated":
            send(6, "disconnect")
        elif message.get("command") == "disconnect":
            break
    adapter.stdin.close()
    adapter.wait(SECONDS)
    late.cancel()
    return stops, console


SEEN = [("t == 2", 1, 1, ""), ("tt == 2", 3, 0, ""), ("1 / 0", 3, 0, "ZeroDivisionError")]
for condition, pdb_stops, debugpy_stops, error in SEEN:
    stops, console = by_debugpy(condition)
    last = console.strip().splitlines()[-1:]
    print(f"{condition:10} pdb {by_pdb(condition)}  debugpy {stops}  console {last}")
    assert by_pdb(condition) == pdb_stops
    assert stops == debugpy_stops
    assert error in console
    assert bool(error) == bool(console)
PY
env/bin/python seen.py
