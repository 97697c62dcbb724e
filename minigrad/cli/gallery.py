"""``minigrad figure gallery``: every kind of picture of every network, and a page of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from minigrad import Tape, viz
from minigrad.files import make_folder, write_atomically
from minigrad.models.networks import NETWORKS
from minigrad.transforms import clip, differentiate, truncate, truncate_randomly
from minigrad.viz.report.html import document, heading, paragraph, two_schemes

TITLE = "Every kind of picture of every kind of network"
ABOUT = (
    "Each picture twice, as a light page and as a dark one show it. "
    "minigrad figure gallery -o docs/gallery/ draws them all."
)
STATES = {"encoder_decoder": ["he", "s"]}
"""Where a network does not say by itself what its states are."""
SEGMENT = 2
KEEP = 0.6
MAX_NORM = 1.0


def draw_gallery(folder: Path) -> None:
    """Draw all pictures, and the page that shows them, into the folder."""
    make_folder(folder)
    parts = [paragraph(ABOUT)]
    for name, network in NETWORKS.items():
        about = (network.__doc__ or "").splitlines()[0]
        parts += [heading(name.replace("_", " ")), paragraph(about)]
        for kind, make in _kinds(network(), STATES.get(name)):
            path = viz.render(make(), folder / f"{name}-{kind}.svg")
            parts.append(two_schemes(path.name, kind))
            print(f"wrote {path}")
    page = write_atomically(folder / "index.html", document(TITLE, parts))
    print(f"wrote {page}")


def _kinds(tape: Tape, state: Sequence[str] | None) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Each kind of picture and how it is drawn."""
    backward = differentiate(tape)
    yield "operations", lambda: viz.draw(tape)
    yield "variables", lambda: viz.draw(tape, "variables")
    yield "rolled", lambda: viz.draw(tape, "rolled")
    yield "gradients", lambda: viz.draw(tape, "variables", grads=True)
    yield "differentiated", lambda: viz.draw(backward, "variables")
    yield "clipped", lambda: viz.draw(clip(backward, MAX_NORM))
    if not tape.stamps:
        return
    every = truncate(tape, every=SEGMENT, state=state)
    window = truncate(tape, window=SEGMENT, state=state)
    randomized = truncate_randomly(tape, KEEP, rng=0, state=state)
    rows = [("full", tape), ("every", every), ("randomized", randomized)]
    yield "truncated", lambda: viz.compare(rows)
    yield "windowed", lambda: viz.draw(window, "rolled")
    yield "randomized", lambda: viz.draw(randomized, "rolled")
    yield "norms", lambda: viz.plots.gradient_norms(dict(rows))
