"""A client of the Debug Adapter Protocol: what an editor says to debugpy when it debugs a script.

The adapter is a child process spoken to over its pipes; what it starts, it talks to over the loopback
interface. Every wait has a time limit.
"""

import json
import queue
import subprocess
import threading
import time
from contextlib import contextmanager, suppress

from tests.children import running

SECONDS = 60  # for one answer or event
SILENCE = 1  # seconds after which nothing more is printed


class RefusedError(AssertionError):
    """The adapter's answer to a request was that it failed."""


class Editor:
    """One debug session, as an editor sees it."""

    def __init__(self, adapter):
        self._adapter = adapter
        self._serial = 0
        self._arrived = queue.Queue()
        self._waiting = []
        self.output = {"stdout": "", "stderr": "", "console": "", "important": "", "telemetry": ""}
        threading.Thread(target=self._read, daemon=True).start()

    # --- messages ---------------------------------------------------------------------------------
    def _read(self):
        """Messages from the adapter, until it ends."""
        stream = self._adapter.stdout
        while header := stream.readline():
            length = int(header.removeprefix(b"Content-Length:"))
            stream.readline()
            self._arrived.put(json.loads(stream.read(length)))
        self._arrived.put({"event": "end"})

    def _send(self, command, arguments):
        self._serial += 1
        message = {"seq": self._serial, "type": "request", "command": command}
        text = json.dumps({**message, "arguments": arguments}).encode()
        self._adapter.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(text), text))
        self._adapter.stdin.flush()
        return self._serial

    def _await(self, is_meant):
        """The first message that is meant, of those that came already or come within the limit."""
        for message in self._waiting:
            if is_meant(message):
                self._waiting.remove(message)
                return message
        end = time.monotonic() + SECONDS
        while True:
            try:
                message = self._arrived.get(timeout=max(end - time.monotonic(), 0))
            except queue.Empty:
                raise AssertionError(f"nothing for {SECONDS} s; {self.output}") from None
            if message.get("event") == "output":
                self.output[message["body"]["category"]] += message["body"]["output"]
            if is_meant(message):
                return message
            assert message.get("event") != "end", f"the adapter ended; {self.output}"
            self._waiting.append(message)

    def _hear_out(self):
        """What was printed at the end, which may come after the word of the end."""
        with suppress(queue.Empty):
            while message := self._arrived.get(timeout=SILENCE):
                if message.get("event") == "output":
                    self.output[message["body"]["category"]] += message["body"]["output"]
                self._waiting.append(message)

    def _answer(self, serial):
        answer = self._await(lambda message: message.get("request_seq") == serial)
        if not answer["success"]:
            raise RefusedError(answer.get("message"))
        return answer.get("body", {})

    def ask(self, command, **arguments):
        """The body of the answer to a request."""
        return self._answer(self._send(command, arguments))

    def event(self, *kinds):
        """The next event of one of these kinds."""
        return self._await(lambda message: message.get("event") in kinds)

    # --- a session --------------------------------------------------------------------------------
    def launch(self, python, program, breakpoints=(), exceptions=(), **options):
        """Start the program under the debugger, with breakpoints: (line, condition, log message)."""
        ways = {"supportsVariableType": True, "pathFormat": "path", "linesStartAt1": True}
        self.ask("initialize", adapterID="python", **ways)
        settings = {
            "python": [str(python)],
            "program": str(program),
            "cwd": str(program.parent),
            "console": "internalConsole",
            "redirectOutput": True,
            **options,
        }
        launched = self._send("launch", settings)
        self.event("initialized")
        self.breakpoints = self.break_on(program, breakpoints)
        self.ask("setExceptionBreakpoints", filters=list(exceptions))
        self.ask("configurationDone")
        self._answer(launched)

    def break_on(self, program, breakpoints):
        """Set the breakpoints of a file, in place of those that it had."""
        rows = []
        for breakpoint in breakpoints:
            row = zip(("line", "condition", "logMessage"), breakpoint, strict=False)
            rows.append({key: value for key, value in row if value is not None})
        answer = self.ask("setBreakpoints", source={"path": str(program)}, breakpoints=rows)
        return answer["breakpoints"]

    def stop(self):
        """The next stop: its frames, innermost first, as an editor lists them; None at the end."""
        stopped = self.event("stopped", "terminated")
        if stopped["event"] == "terminated":
            self._hear_out()
            return None
        self.thread = stopped["body"]["threadId"]
        frames = self.ask("stackTrace", threadId=self.thread)["stackFrames"]
        return Stop(self, stopped["body"], frames)

    def go(self, command="continue"):
        """The stop that a command leads to: continue, next, stepIn or stepOut."""
        self.ask(command, threadId=self.thread)
        return self.stop()


class Stop:
    """Where the program stands."""

    def __init__(self, editor, reason, frames):
        self.editor = editor
        self.reason = reason["reason"]
        self.text = reason.get("text") or reason.get("description") or ""
        self.frames = frames
        self.name = frames[0]["name"]
        self.line = frames[0]["line"]
        self.path = frames[0]["source"]["path"]

    def stack(self):
        """(name, line) of each frame that is listed, innermost first."""
        return [(frame["name"], frame["line"]) for frame in self.frames]

    def locals(self, depth=0):
        """The local variables of a frame, {name: row}."""
        frame = self.frames[depth]["id"]
        scopes = self.editor.ask("scopes", frameId=frame)["scopes"]
        (reference,) = [s["variablesReference"] for s in scopes if s["name"] == "Locals"]
        return self.expand(reference)

    def expand(self, row):
        """The rows that open below one of the Variables pane, {name: row}."""
        reference = row if isinstance(row, int) else row["variablesReference"]
        rows = self.editor.ask("variables", variablesReference=reference)["variables"]
        return {row["name"]: row for row in rows}

    def watch(self, expression, depth=0, context="watch"):
        """What a watch expression shows."""
        frame = self.frames[depth]["id"]
        answer = self.editor.ask("evaluate", expression=expression, frameId=frame, context=context)
        return answer["result"]


@contextmanager
def debugpy(python, env):
    """An editor that has started debugpy's adapter, and ends it with all that it started."""
    command = [str(python), "-m", "debugpy.adapter"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with running(command, env=env, bufsize=-1, **pipes) as adapter:
        editor = Editor(adapter)
        yield editor
        editor.ask("disconnect", terminateDebuggee=True)
        adapter.stdin.close()
        editor.event("end")
