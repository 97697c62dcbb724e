"""What a page's data says, read back in Python, as viz/page/steps.py documents it."""

import base64
import json
import re
from decimal import Decimal
from types import SimpleNamespace

TIME = "\ue002"


def data_of(file):
    """The JSON in the page."""
    text = file.read_text("utf-8")
    element = re.search(r'<script type="application/json" id="data">(.*?)</script>', text)
    return json.loads(element[1])


def number(code):
    """What is shown of a number: four digits."""
    special = {2**24 - 1: "nan", 2**24 - 2: "inf", 2**24 - 3: "-inf"}
    if code in special:
        return special[code]
    exponent, mantissa = divmod(code, 20_000)
    value = Decimal(mantissa - 10_000).scaleb(exponent - 327)
    text = f"{value.normalize():.4g}" if mantissa != 10_000 else "0"
    return f"{float(value):.4g}" if abs(value) < 1e300 else text.lower()


def unpacked(text):
    octets = base64.b64decode(text)
    return [int.from_bytes(octets[k : k + 3], "big") for k in range(0, len(octets), 3)]


def tape_of(raw):
    """The nodes' names and inputs, the steps with their arrays as lists of what is shown."""
    columns = [t for t, count in raw["columns"] for _ in range(count)]
    kinds = [raw["kinds"][k] for k in raw["kind"]]
    names = [kind["name"].replace(TIME, str(t)) for kind, t in zip(kinds, columns, strict=True)]
    back = iter(raw["back"])
    inputs = [[i - next(back) for _ in kind["edges"]] for i, kind in enumerate(kinds)]
    arrays = list(grids(raw))
    references = iter(raw["refs"])
    known = []

    def array():
        reference = next(references)
        if reference:
            return known[-reference]
        known.append(arrays[len(known)])
        return known[-1]

    shares = iter(unpacked(raw["shares"]))
    node = len(names)
    steps = []
    for behind in raw["steps"]:
        node -= behind
        step = SimpleNamespace(node=node, name=names[node], adjoint=array(), sends=[])
        for slot, formula in kinds[node]["sends"]:
            to = inputs[node][slot]
            send = SimpleNamespace(to=names[to], formula=formula, array=array(), sum=None)
            if to in raw["weights"]:
                send.sum, send.share = array(), number(next(shares))
            step.sends.append(send)
        steps.append(step)
    return SimpleNamespace(
        title=raw["title"], names=names, kinds=kinds, steps=steps, columns=columns
    )


def grids(raw):
    """Each array: norm and numbers as they are shown; of blocks the range and what is not finite."""
    codes = iter(unpacked(raw["numbers"]))
    for shape in raw["shape"]:
        text, rows, across, *block = raw["shapes"][shape]
        grid = SimpleNamespace(shape=text, norm=number(next(codes)), block=block)
        if block:
            grid.low, grid.high = number(next(codes)), number(next(codes))
            grid.bad = next(codes)
        grid.values = [number(next(codes)) for _ in range(rows * across)]
        yield grid
    assert not list(codes)
