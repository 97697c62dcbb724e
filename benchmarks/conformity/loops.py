"""Random recurrent loops as text: cells of one or two states, with losses in the steps, behind them or at the end.

The text is a function ``loop(np, nn, step, enter, at, p, X, Y)`` that returns the list of losses. ``step(t)`` is the
scope of a step, ``at(t)`` the weights as step t reads them, and every state passes ``enter(t, s, name, state)`` on its
way from step s into step t, so that whoever runs the text says what passes there: that is truncation by hand.
"""

import numpy as np

D = 2
H = 3
SHAPES = {"U": (D, H), "W": (H, H), "V": (H, H), "b": (H,), "s": (H,), "h0": (H,), "Q": (H, 2)}
ATOMS = """
x @ w["U"] + h_ @ w["W"] | x @ w["U"] + h_ @ w["W"] + w["b"] | h_ @ w["V"] | h_ * w["s"] | x @ w["U"] * w["s"]
np.einsum("bh,hk->bk", h_, w["W"]) | h_ @ (w["W"] * w["W"]) | h_ @ (w["V"] * w["s"]) | h_ @ outside + x @ w["U"]
h_ @ (w["W"] / np.sqrt(np.sum(np.square(w["W"])) + 1)) | lag @ w["V"] | 0.5 * lag | x[:, :1] * w["b"]
h_ @ w["W"].T
h_ @ nn.softmax(w["V"]) | np.concatenate([x, h_], axis=-1) @ np.concatenate([w["U"], w["V"]], axis=0)
"""
UNARY = """
np.tanh({a}) | nn.sigmoid({a}) | np.sin({a}) | nn.softmax({a}) | {a}[:, ::-1] | np.roll({a}, 1, axis=-1)
nn.relu({a})
({a} - np.mean({a}, axis=-1, keepdims=True)) / np.sqrt(np.var({a}, axis=-1, keepdims=True) + 0.1)
np.arctan({a})
np.cumsum({a}, axis=-1) / 3 | np.concatenate([{a}[:, 1:], {a}[:, :1]], axis=-1) | np.sqrt(np.square({a}) + 0.1)
np.where({a} > 0, {a}, 0.1 * {a}) | np.clip({a}, -0.9, 0.9) | {a} + np.max({a}, axis=-1, keepdims=True)
np.expm1(np.tanh({a}))
{a} / (1 + np.sum(np.abs({a}), axis=-1, keepdims=True)) | np.sort({a}, axis=-1) | np.log1p(np.square({a}))
{a} - 0.1 * np.mean({a}, axis=0, keepdims=True)
"""
BINARY = """
{a} + {b} | {a} * {b} | {a} - 0.5 * {b} | nn.sigmoid({a}) * {b} | np.maximum({a}, {b}) | np.hypot({a}, 1 + {b})
np.where({a} > {b}, {a}, 0.5 * {b}) | {a} / (1 + np.square({b})) | np.logaddexp({a}, {b})
"""
LOSSES = """
np.mean(np.square({h} @ {w}["Q"] - Y[t - 1])) | np.mean(np.square({h})) | nn.mse({h} @ {w}["Q"], Y[t - 1])
np.sum(np.tanh({h} @ {w}["Q"])) / 7 | -np.mean(nn.log_softmax({h} @ {w}["Q"])[:, 0])
np.sum(np.square({h} - 0.3))
"""
COMBINED = ["sum", "mean", "log"]


def rows(table):
    return [row.strip() for line in table.strip().splitlines() for row in line.split(" | ")]


ATOMS, UNARY, BINARY, LOSSES = map(rows, (ATOMS, UNARY, BINARY, LOSSES))


class Loop:
    """One drawn loop: its text, weights and data, and other data to feed."""

    def __init__(self, rng):
        self.rng = rng
        self.T = int(rng.integers(2, 7))
        rows = int(rng.integers(4, 7))
        self.p = {name: rng.normal(0, 0.7, shape) for name, shape in SHAPES.items()}
        self.data = [self.draw(rows), self.draw(rows)]
        self.combined = str(rng.choice(COMBINED))
        self.states = ["h", "c"][: rng.integers(1, 3)]
        self.text = self.written()

    def draw(self, rows):
        """Inputs and targets."""
        return self.rng.normal(size=(self.T, rows, D)), self.rng.normal(size=(self.T, rows, 2))

    def pick(self, table):
        return str(self.rng.choice(table))

    def expression(self, depth):
        """A term of the shape of a state."""
        if depth == 0:
            return self.pick(ATOMS + [f"{s}_" for s in self.states])
        a = self.name(self.expression(depth - 1))
        if self.rng.random() < 0.5:
            return self.pick(UNARY).format(a=a)
        return self.pick(BINARY).format(
            a=a, b=self.name(self.expression(int(self.rng.integers(depth))))
        )

    def name(self, text):
        """A line of its own for a term that is read more than once."""
        self.lines.append(f"u{len(self.lines)} = {text}")
        return self.lines[-1].partition(" ")[0]

    def cell(self):
        """The lines of a step: each state from the states before."""
        self.lines = []
        for s in self.states:
            new = f"np.tanh({self.expression(int(self.rng.integers(1, 4)))})"
            if self.rng.random() < 0.3:
                z = self.name(f"nn.sigmoid({self.expression(1)})")
                new = f"{z} * {s}_ + (1 - {z}) * {new}"
            self.lines.append(f"{s}.append({new})")
        return self.lines

    def written(self):
        initial = self.pick(
            ['np.zeros((X.shape[1], 3)) + p["h0"]', "np.full((X.shape[1], 3), 0.5)"]
        )
        is_inside = self.rng.random() < 0.5
        is_last = self.rng.random() < 0.2
        loss = self.pick(LOSSES).format(h="h[-1]", w="w" if is_inside else "p")
        loss = f"terms.append({loss})"
        if is_last:
            loss = f"if t == {self.T}:\n{' ' * 16 if is_inside else ' ' * 12}{loss}"
        step = [f'{s}_ = enter(t, t - 1, "{s}", {s}[-1])' for s in self.states]
        step += ['lag = enter(t, t - 2, "h", h[-2]) if t > 1 else h_', *self.cell()]
        step += [loss] if is_inside else []
        lines = ["terms = []", 'outside = np.tanh(p["W"]) * p["s"]']
        lines += [f"{s} = [{initial}]" for s in self.states]
        lines += [f"for t in range(1, {self.T + 1}):", "    with step(t):", "        w = at(t)"]
        lines += ["        x = X[t - 1]", *(f"        {line}" for line in step)]
        lines += [] if is_inside else [f"    {loss}"]
        body = "\n    ".join([*lines, "return terms"])
        return f"def loop(np, nn, step, enter, at, p, X, Y):\n    {body}\n"

    @property
    def function(self):
        names = {}
        exec(self.text, names)
        return names["loop"]

    @property
    def ends(self):
        """The steps that have a loss."""
        return [self.T] if f"if t == {self.T}:" in self.text else [*range(1, self.T + 1)]


def combine(np, how, terms):
    """The losses of the steps as one."""
    if how == "sum":
        return sum(terms[1:], terms[0])
    stacked = np.stack(terms)
    return np.mean(stacked) if how == "mean" else np.sum(np.log1p(np.square(stacked)))


# --- truncation: what of a state of step s passes into step t -------------------------------------
# A row is a function of the steps t and s, and of the step that the loss belongs to.
def full(t, s, end):
    return 1.0


def every(k):
    """Inside its segment of k steps."""
    return lambda t, s, end: float(s == 0 or (t - 1) // k == (s - 1) // k)


def window(w, last, block=1):
    """Down to w steps before the end of the block that the loss belongs to."""

    def factor(t, s, end):
        stop = min((end - 1) // block * block + block, last)
        return float(s == 0 or s >= stop - w)

    return factor


def weighted(xi):
    """The product of the xi of the boundaries between s and t."""

    def factor(t, s, end):
        return float(np.prod([xi[k] for k in range(s + 1, t + 1)])) if s else 1.0

    return factor
