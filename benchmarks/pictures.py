"""Drawing the language model of two LSTM layers and 35 steps: minigrad beside torchview and TorchLens.

    pip install torch torchview torchlens; apt-get install graphviz
    python benchmarks/pictures.py [--rounds 5] [--folder DIR]

Prints a row per picture: seconds to record the network, seconds to draw and write it as SVG (medians of interleaved
rounds), the ratio to the faster rival, the size of the file and of the picture. The rivals draw one box per call or
module, all steps; minigrad folds steps alike, and draws all of them where the row says so.
"""

import argparse
import gc
import re
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(
    0, str(Path(__file__).parents[1])
)  # also where minigrad is not installed, beside the rivals

from minigrad import viz
from minigrad.models.networks import language_model

STEPS, ROWS, V, H = 35, 2, 8, 4
OURS = {
    "minigrad ops": {"level": "ops"},
    "minigrad variables": {"level": "variables"},
    "minigrad rolled": {"level": "rolled"},
    "minigrad variables, all steps": {"level": "variables", "collapse": None},
}


def ours(options):
    """Record, and draw at a level."""

    def write(tape, file):
        viz.render(viz.draw(tape, **options), file)

    return language_model, write


def network():
    """The same in PyTorch, with its inputs."""
    import torch
    from torch import nn

    class LanguageModel(nn.Module):
        def __init__(self):
            super().__init__()
            self.cells = nn.ModuleList([nn.LSTMCell(V, H), nn.LSTMCell(H, H)])
            self.head = nn.Linear(H, V)

        def forward(self, x, y):
            states, logits = [None, None], []
            for t in range(STEPS):
                h = x[t]
                for k, cell in enumerate(self.cells):
                    states[k] = cell(h, states[k])
                    h = states[k][0]
                logits.append(self.head(h))
            return nn.functional.cross_entropy(torch.cat(logits), y)

    torch.manual_seed(0)
    tokens = torch.randint(V, (STEPS, ROWS))
    x = nn.functional.one_hot(tokens, V).float()
    return LanguageModel(), (x, tokens.roll(-1, 0).reshape(-1))


def torchview_peer():
    import torchview

    model, inputs = network()

    def write(graph, file):
        graph.visual_graph.render(file.with_suffix(""), format="svg")

    return lambda: torchview.draw_graph(model, inputs), write


def torchlens_peer():
    import torchlens

    model, inputs = network()

    def write(trace, file):
        trace.draw(vis_outpath=str(file.with_suffix("")), vis_fileformat="svg", vis_save_only=True)

    return lambda: torchlens.trace(model, inputs), write


def measured(record, write, file):
    """Seconds to record and to draw and write; Python's collector looks at nothing of the others'."""
    gc.collect()
    gc.freeze()
    start = time.perf_counter()
    recorded = record()
    middle = time.perf_counter()
    write(recorded, file)
    return middle - start, time.perf_counter() - middle


def extent(file):
    """Width and height as the file says them, in points."""
    text = file.read_text(encoding="utf-8")
    return [
        float(re.search(rf'<svg[^>]* {side}="([\d.]+)', text)[1]) for side in ("width", "height")
    ]


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path)
    args = parser.parse_args()
    peers = {name: ours(options) for name, options in OURS.items()}
    rivals = {"torchview": torchview_peer(), "TorchLens": torchlens_peer()}
    folder = args.folder or Path(tempfile.mkdtemp())
    folder.mkdir(exist_ok=True)
    files = {
        name: folder / f"{name.replace(' ', '-').replace(',', '')}.svg" for name in peers | rivals
    }
    seconds = {name: [] for name in files}
    for _ in range(args.rounds):
        for name, peer in (peers | rivals).items():
            seconds[name].append(measured(*peer, files[name]))
    medians = {
        name: [statistics.median(part) for part in zip(*rounds, strict=True)]
        for name, rounds in seconds.items()
    }
    fastest = min(medians[name][1] for name in rivals)
    print("| picture | record, s | draw and write, s | / faster rival | KB | width x height, pt |")
    print("|---|---|---|---|---|---|")
    for name, (record, write) in medians.items():
        width, height = extent(files[name])
        size = files[name].stat().st_size / 1e3
        print(
            f"| {name} | {record:.3f} | {write:.3f} | {write / fastest:.3f} | {size:.0f} | {width:.0f} x {height:.0f} |"
        )


if __name__ == "__main__":
    main()
