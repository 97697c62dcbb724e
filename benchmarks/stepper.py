"""What the page of viz.stepper costs, to write and in a real Chromium: python benchmarks/stepper.py.

``python benchmarks/stepper.py "LSTM, T = 100"`` measures one of them.
"""

import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import minigrad as mg
from minigrad import viz
from minigrad.models.book.cases import network
from minigrad.models.cells import LSTMCell
from minigrad.models.stacked import Stacked
from minigrad.models.unrolling import unroll
from tests.chromium import opened

KEYS = 60
ROUNDS = 3
"""Of each key press the least counts: what others do on the machine slows some."""


def two_layers(steps=35):
    """Two layers of LSTM over a batch of 16."""
    rng = np.random.default_rng(0)
    cell = Stacked(LSTMCell(28, 32, rng), LSTMCell(32, 32, rng))
    outputs, _ = unroll(cell, list(rng.normal(size=(steps, 16, 28))))
    return np.sum(np.square(np.stack(outputs))).named("L")


NETWORKS = {
    "LSTM, T = 100": lambda: network("lstm", 100),
    "tanh RNN, T = 1,000": lambda: network("rnn", 1000),
    "LSTM of 2 layers, T = 35": two_layers,
}
# the handler runs, then layout is asked for: what a reader waits for before the next frame is painted
PRESS = """(key => {
    const start = performance.now();
    document.dispatchEvent(new KeyboardEvent('keydown', {key, bubbles: true}));
    document.body.getBoundingClientRect();
    return performance.now() - start; })"""
WIDTH = "document.querySelector('.scene svg').getBoundingClientRect().width"


def busy(browser):
    """Seconds that the page's main thread has worked: others on the machine do not count."""
    metrics = browser.call("Performance.getMetrics")["metrics"]
    return next(m["value"] for m in metrics if m["name"] == "TaskDuration")


def pressed(browser):
    """Milliseconds of each key press."""
    keys = []
    for key in ("ArrowRight", "PageDown"):
        for _ in range(KEYS):
            start = busy(browser)
            browser.run(f"{PRESS}({json.dumps(key)})")
            keys.append(1000 * (busy(browser) - start))
    return keys


def measured(name, browser, folder):
    """Bytes; CPU seconds to write and to load, milliseconds a key press (mean, longest); pixels."""
    tape = mg.Tape.of(NETWORKS[name]())
    start = time.process_time()
    file = viz.stepper(tape, folder / "a.html")
    written = time.process_time() - start
    browser.call("Page.navigate", url="about:blank")
    browser.call("Performance.disable")
    browser.call("Performance.enable", timeDomain="threadTicks")
    start = busy(browser)
    browser.open(file)
    browser.run("new Promise(r => requestAnimationFrame(() => setTimeout(r, 0)))")
    loaded = busy(browser) - start
    rounds = []
    for _ in range(ROUNDS):
        browser.open(file)
        rounds.append(pressed(browser))
    keys = np.min(rounds, axis=0)
    return [
        name,
        f"{len(tape.nodes):,}",
        f"{file.stat().st_size / 1e6:.2f} MB",
        f"{written:.1f} s",
        f"{loaded:.2f} s",
        f"{np.mean(keys):.0f} ms",
        f"{max(keys):.0f} ms",
        f"{browser.run(WIDTH):,.0f} px",
    ]


def main():
    """A row for each network."""
    print("| tape | nodes | page | written in | loaded in | a key press | the longest | graph |")
    print("|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with opened(folder) as browser:
            for network_name in sys.argv[1:] or NETWORKS:
                print("|", " | ".join(measured(network_name, browser, folder)), "|", flush=True)


if __name__ == "__main__":
    main()
