"""A real Chromium, offline, without a window, that opens files, presses keys and says what is on the page."""

import json
import os
import shutil
from contextlib import contextmanager

from tests.children import running

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))),
    None,
)


class Browser:
    """A headless Chromium at the other end of two pipes, speaking its DevTools protocol."""

    def __init__(self, out, into):
        self.out, self.into = out, into
        self.count, self.buffer, self.events, self.session = 0, b"", [], None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)[
            "sessionId"
        ]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def receive(self):
        while b"\0" not in self.buffer:
            data = os.read(self.into.fileno(), 1 << 20)
            assert data, "Chromium has gone"
            self.buffer += data
        message, _, self.buffer = self.buffer.partition(b"\0")
        message = json.loads(message)
        if "method" in message:
            self.events.append(message)
        return message

    def call(self, method, **params):
        self.count += 1
        message = {"id": self.count, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        self.out.write(json.dumps(message).encode() + b"\0")
        self.out.flush()
        while (answer := self.receive()).get("id") != self.count:
            pass
        assert "error" not in answer, answer
        return answer["result"]

    def open(self, file):
        self.events.clear()
        self.call("Page.navigate", url=file.as_uri())
        while not any(e["method"] == "Page.loadEventFired" for e in self.events):
            self.receive()

    def run(self, code):
        """The value of a JavaScript expression; promises are waited for."""
        answer = self.call(
            "Runtime.evaluate",
            expression=code,
            returnByValue=True,
            awaitPromise=True,
            allowUnsafeEvalBlockedByCSP=False,
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def press(self, key, times=1):
        for _ in range(times):
            text = {"text": "\r"} if key == "Enter" else {"text": " "} if key == " " else {}
            codes = {"Enter": 13, "Tab": 9, " ": 32}
            for kind in ("keyDown", "keyUp"):
                more = text if kind == "keyDown" else {}
                self.call(
                    "Input.dispatchKeyEvent",
                    type=kind,
                    key=key,
                    windowsVirtualKeyCode=codes.get(key, 0),
                    **more,
                )

    def stop_at(self, text):
        self.run(
            f"(w => {{ w.value = {json.dumps(text)}; w.focus(); }})(document.getElementById('where'))"
        )
        self.press("Enter")
        self.press("Escape")

    def prefers(self, scheme):
        """The colours that the reader prefers: light, dark, or nothing said."""
        preferred = [{"name": "prefers-color-scheme", "value": scheme}]
        self.call("Emulation.setEmulatedMedia", features=preferred)

    def problems(self):
        """Everything the console would show in red, and every request but for the file."""
        told = {
            kind: [e["params"] for e in self.events if e["method"] == kind]
            for kind in ("Runtime.exceptionThrown", "Log.entryAdded", "Network.requestWillBeSent")
        }
        found = [*told["Runtime.exceptionThrown"]]
        found += [
            e["entry"]
            for e in told["Log.entryAdded"]
            if e["entry"]["level"] in ("error", "warning")
        ]
        urls = [e["request"]["url"] for e in told["Network.requestWillBeSent"]]
        # what a page holds itself is asked of nobody
        requests = [url for url in urls if not url.startswith("data:")]
        return found + [url for url in requests if not url.startswith("file://")] + requests[1:]


FLAGS = (
    "--headless=new --no-sandbox --disable-gpu --mute-audio --window-size=1400,1000 "
    "--remote-debugging-pipe"
)


@contextmanager
def opened(profile):
    """A Browser. Its profile is an empty folder."""
    read, its_write = os.pipe()
    its_read, write = os.pipe()
    start = (
        f'exec "$0" {FLAGS} --user-data-dir="$1" about:blank '
        f"3<&{its_read} 4>&{its_write} >/dev/null 2>&1"
    )
    command = ["bash", "-c", start, CHROMIUM, str(profile)]
    with running(command, seconds=600, pass_fds=(its_read, its_write)) as process:
        os.close(its_read)
        os.close(its_write)
        with os.fdopen(write, "wb") as out, os.fdopen(read, "rb") as into:
            browser = Browser(out, into)
            yield browser
            if process.poll() is None:
                browser.call("Browser.close")
                process.wait(timeout=30)
