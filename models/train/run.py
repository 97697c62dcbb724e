"""What ``minigrad train`` does once its options are read: data, model, loop, interruptions."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

import minigrad as mg
from minigrad.errors import DataError
from minigrad.internal import leftovers
from minigrad.models.cells import parameters
from minigrad.models.data.stream import epochs
from minigrad.models.data.text import Vocabulary
from minigrad.models.language_model import RNNLM
from minigrad.optim import schedules
from minigrad.transforms import truncate

from . import state
from .chunk import Plans
from .interrupt import Pause
from .loop import Transform, evaluate, refuse_nonfinite, updates
from .reporter import Reporter
from .settings import Settings, read_data
from .state import History, Keep, Position, Standing
from .update import Update, as_perplexity

__all__ = ["Keep", "Run", "Settings", "train"]

OPTIMIZERS: dict[str, Callable[..., mg.optim.Optimizer]] = {
    "sgd": mg.optim.SGD,
    "adam": mg.optim.Adam,
    "adamw": mg.optim.AdamW,
    "rmsprop": mg.optim.RMSprop,
    "adagrad": mg.optim.Adagrad,
}
# (rate, updates of the whole run) -> schedule
SCHEDULES: dict[str, Callable[[float, int], schedules.Schedule]] = {
    "constant": lambda rate, updates: schedules.constant(rate),
    "cosine": schedules.cosine,
    "one-cycle": schedules.one_cycle,
}
# Per character: a model that guesses at random is 30 times nearer.
MAX_LOSS_NATS = 100.0


@dataclass(frozen=True, eq=False)
class Run:
    """A finished training; ``history`` has a row per epoch, as ``state.History`` says."""

    model: RNNLM
    vocab: Vocabulary
    history: History


def train(settings: Settings, reporter: Reporter, keep: Keep | None = None) -> Run:
    """Train a language model.

    With ``keep`` go on from its checkpoint, and write it as time passes and at the end.

    Raises DataError where text or checkpoint cannot be used or the training diverges;
    KeyboardInterrupt, once the state is saved, where the user interrupts it.

    >>> from pathlib import Path
    >>> _ = Path("book.txt").write_text("It was the best of times, it was the worst of times. " * 9)
    >>> run = train(Settings(text="book.txt", steps=8, epochs=3), Reporter(quiet=True))
    >>> len(run.history), run.history[-1][0]
    (3, 3)
    """
    training = _Training(settings, reporter, keep)
    training.resume()
    training.introduce()
    training.learn()
    return Run(training.model, training.data.vocab, training.now.history)


class _Training:
    """One run on its way: what it is made of, and ``now``, where it stands."""

    def __init__(self, settings: Settings, reporter: Reporter, keep: Keep | None) -> None:
        self.settings = settings
        self.reporter = reporter
        self.keep = keep
        self.data = read_data(settings)
        self.model = RNNLM(
            settings.cell,
            settings.hidden,
            len(self.data.vocab.tokens),
            settings.seed,
            layers=settings.layers,
            dropout=settings.dropout,
        )
        make_optimizer = OPTIMIZERS[settings.optimizer]
        self.optimizer = make_optimizer(parameters(self.model), settings.rate)
        # What a checkpoint must agree with: a text by its tokens, whatever its file is called.
        self.options = asdict(replace(settings, text=self.data.sha256, lr=settings.rate))
        self.updates = settings.epochs * len(self.data.train)
        # Of dropout; the weights are drawn by the seed alone.
        self.now = Standing(Position(), np.random.default_rng((settings.seed, 2)))
        self.validation = Plans(self.model)

    def resume(self) -> None:
        """Go on from the checkpoint, where there is one; clear away what a killed run left."""
        if self.keep:
            path = Path(self.keep.path)
            for leftover in leftovers(path):
                leftover.unlink()
            if path.exists():
                chunks = len(self.data.train)
                self.now = state.read(path, self.model, self.optimizer, self.options, chunks)
        self.stamp = _stamp(self.keep)

    def save(self) -> None:
        """Write the checkpoint. Raises DataError where another training has written it since."""
        if self.keep is None:
            return
        # A file that is gone has not been written by another.
        if _stamp(self.keep) not in (self.stamp, None):
            got = f"another training has written '{self.keep.path}' meanwhile"
            raise DataError("checkpoint", got=got, remedy="Give each a file of its own")
        now = self.now.logged(self.reporter.log_bytes())
        vocab = self.data.vocab
        state.write(self.keep.path, self.model, vocab, self.optimizer, self.options, now)
        self.stamp = _stamp(self.keep)
        self.saved_at = time.monotonic()

    def learn(self) -> None:
        """Train to the last epoch; save as time passes, when interrupted, and at the end."""
        self.saved_at = time.monotonic()
        with Pause(self.keep is not None) as pause:
            for u in self.remaining_updates():
                self.take(u)
                if self.keep is None:
                    continue
                # Read once: a wish while the file is being written waits for the next update.
                wanted = pause.wanted
                due = time.monotonic() - self.saved_at >= self.keep.every
                if wanted or due:
                    self.save()
                if wanted:
                    saved = f"'{self.keep.path}' is saved at update {u.step}"
                    raise KeyboardInterrupt(f"{saved}. Add --resume to go on")
        self.save()

    def remaining_updates(self) -> Iterator[Update]:
        """Those from where the run stands to the end of its last epoch."""
        settings = self.settings
        strategy: Transform = None
        if settings.truncate:
            strategy = partial(truncate, every=settings.truncate)
        return updates(
            self.model,
            epochs(self.data.train, settings.epochs, self.now.position.place),
            strategy,
            settings.clip,
            self.optimizer,
            schedule=SCHEDULES[settings.schedule](settings.rate, self.updates),
            rng=self.now.rng,
            state=self.now.state,
            step=self.now.position.step,
        )

    def take(self, u: Update) -> None:
        """Go on by one update; validate where it ends an epoch.

        Raises DataError where training diverged.
        """
        refuse_nonfinite(u)
        if u.loss > MAX_LOSS_NATS:
            what = f"training diverged at update {u.step}"
            got = f"a loss of {u.loss:.3g} nats per character"
            raise DataError(what, got=got, remedy="Try a smaller --lr or --clip")
        self.reporter.update(u)
        self.now = self.now.after(u)
        # The last chunk of the epoch.
        if self.now.position.number == len(self.data.train):
            nats = evaluate(self.model, self.data.validation.chunks(1), self.validation)
            self.now = self.now.after_epoch(as_perplexity(nats))
            self.tell_epoch()

    def introduce(self) -> None:
        """Begin the report: the data, the model, and where the run goes on."""
        settings = self.settings
        position = self.now.position
        self.reporter.start(self.updates, position.step, position.log)
        for line in self.data.lines:
            self.reporter.say(line)
        self.reporter.say(
            _description(settings),
            event="start",
            **asdict(settings) | {"lr": settings.rate},
            parameters=sum(p.size for p in parameters(self.model)),
            step=position.step,
        )
        if position.step:
            where = f"its {position.epoch - 1} epochs done already"
            if position.epoch <= settings.epochs:
                where = f"in epoch {position.epoch} of {settings.epochs}"
            self.reporter.say(f"resumed after update {position.step}, {where}")

    def tell_epoch(self) -> None:
        """The line of an epoch that has ended; people see about six of them."""
        epochs_done = self.now.position.epoch - 1
        step, train_perplexity, validation_perplexity = self.now.history[-1]
        train_text = _three_digits(train_perplexity)
        validation_text = _three_digits(validation_perplexity)
        perplexities = f"{train_text} train, {validation_text} validation"
        line = f"epoch {epochs_done:4d}: perplexity {perplexities}"
        last = self.settings.epochs
        # The first, the last, and every fifth part.
        is_shown = epochs_done in (1, last) or epochs_done % max(1, last // 5) == 0
        self.reporter.say(
            line if is_shown else "",
            event="epoch",
            epoch=epochs_done,
            step=int(step),
            train=train_perplexity,
            validation=validation_perplexity,
            best=self.now.position.best,
            tokens_per_second=round(self.reporter.rate()),
        )


def _stamp(keep: Keep | None) -> tuple[int, int, int] | None:
    """What tells two writings of the checkpoint apart; None where there is none."""
    if keep is None:
        return None
    try:
        file = os.stat(keep.path)
    except OSError:
        return None
    return file.st_ino, file.st_mtime_ns, file.st_size


def _description(settings: Settings) -> str:
    """The model and how it is trained, in one line."""
    layers = f" in {settings.layers} layers" if settings.layers > 1 else ""
    dropout = f"dropout {settings.dropout:g}; " if settings.dropout else ""
    optimizer = "SGD" if settings.optimizer == "sgd" else settings.optimizer
    schedule = "" if settings.schedule == "constant" else f" {settings.schedule}"
    depth = f"truncated every {settings.truncate} steps" if settings.truncate else "in full"
    return (
        f"model: {settings.cell}, {settings.hidden} hidden{layers}; {dropout}"
        f"{optimizer} lr {settings.rate:g}{schedule}, gradient clipped to {settings.clip:g}; "
        f"BPTT {depth}; seed {settings.seed}"
    )


def _three_digits(perplexity: float) -> str:
    """A perplexity as text, in six columns."""
    if perplexity < 1e6:
        return f"{perplexity:6.2f}"
    return f"{perplexity:.0e}"
