"""Training the language model. Truncation and clipping are what they are everywhere here: transforms of the tape."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

import minigrad as mg
from minigrad.errors import DataError
from minigrad.transforms import clip, differentiate, truncate

from .cells import parameters
from .language_model import RNNLM
from .progress import progress
from .text import Tokens, Vocabulary, Windows, load, preprocess

BATCH = 1024  # the book's; the last batch of an epoch is what is left
LEARNING_RATE = {"rnn": 1.0, "gru": 4.0, "lstm": 4.0}  # the book's


@dataclass(frozen=True)
class Epoch:
    """Perplexities of one epoch: over the training windows as they were met, over the validation windows at its end."""

    number: int
    train: float
    validation: float


def train(
    model: RNNLM,
    windows: Windows,
    epochs: int,
    lr: float,
    truncate_every: int | None = None,
    max_norm: float = 1.0,
    seed: int = 0,
    on_batch: Callable[[], Any] = lambda: None,
) -> Iterator[Epoch]:
    """Minibatch SGD from the zero state, one Epoch at a time; ``on_batch`` is called after each update."""
    rng = np.random.default_rng((seed, 1))  # another stream than the weights'
    ps = parameters(model)
    optimizer = mg.optim.SGD(ps, lr)
    for number in range(1, epochs + 1):
        order = rng.permutation(len(windows.train))
        nats = 0.0
        batches = [windows.train[order[i : i + BATCH]] for i in range(0, len(order), BATCH)]
        for rows in batches:
            tape = mg.Tape.of(model.loss(rows[:, :-1], rows[:, 1:]))
            if truncate_every is not None:
                tape = truncate(tape, every=truncate_every)
            loss, *grads = clip(differentiate(tape, wrt=ps), max_norm).outputs
            if not np.isfinite(loss.data):
                got, remedy = f"the loss became {loss.item()} in epoch {number}", "Try a smaller --lr or --clip"
                raise DataError("training", got=got, remedy=remedy)
            optimizer.step(grads)
            nats += loss.item() * len(rows)
            on_batch()
        yield Epoch(number, float(np.exp(nats / len(order))), perplexity(model, windows.validation))


def perplexity(model: RNNLM, rows: Tokens) -> float:
    """exp of the mean cross-entropy over all windows, each counted once."""
    with mg.no_grad():
        parts = [rows[i : i + BATCH] for i in range(0, len(rows), BATCH)]
        nats = sum(model.loss(part[:, :-1], part[:, 1:]).item() * len(part) for part in parts)
    return float(np.exp(nats / len(rows)))


def run(
    text: str | None,
    cell: str,
    hidden: int,
    steps: int,
    epochs: int,
    lr: float | None,
    truncate_every: int | None,
    max_norm: float,
    seed: int,
) -> tuple[RNNLM, Vocabulary]:
    """Load a text, train the language model on it with a progress bar, and print the perplexities."""
    raw, source = load(text)
    corpus = preprocess(raw)
    vocab = Vocabulary.of(corpus)
    windows = Windows.of(vocab.encode(corpus), steps)
    print(f"text: {source}: {len(corpus):,} characters, {len(vocab.tokens)} distinct")
    print(f"data: {len(windows.train):,} windows of {steps} to train on, {len(windows.validation):,} to validate")
    model = RNNLM(cell, hidden, len(vocab.tokens), seed)
    lr = lr or LEARNING_RATE[cell]
    depth = f"truncated every {truncate_every} steps" if truncate_every else "in full"
    print(f"model: {cell}, {hidden} hidden; SGD lr {lr:g}, gradient clipped to {max_norm:g}; BPTT {depth}; seed {seed}")
    updates = epochs * -(-len(windows.train) // BATCH)
    with progress(updates) as bar:
        for e in train(model, windows, epochs, lr, truncate_every, max_norm, seed, bar.update):
            bar.set_postfix_str(f"perplexity {e.train:.2f} train, {e.validation:.2f} validation")
            if e.number in (1, epochs) or e.number % max(1, epochs // 5) == 0:
                bar.write(f"epoch {e.number:4d}: perplexity {e.train:6.2f} train, {e.validation:6.2f} validation")
    return model, vocab
