"""A run notices who else writes its checkpoint, and a loss beyond all sense."""

import pytest

from minigrad.errors import DataError
from minigrad.models.train import run as trainer
from minigrad.models.train.reporter import Reporter


def test_another_training_with_the_same_checkpoint_is_noticed(tmp_path):
    text, path = tmp_path / "text.txt", tmp_path / "run.safetensors"
    text.write_text("the time machine by h g wells " * 40)
    settings = trainer.Settings(text=str(text), steps=8, epochs=4)

    class Meddling(Reporter):
        def update(self, u):
            if u.step == 3:
                path.write_bytes(path.read_bytes() + b" ")

    with pytest.raises(DataError, match=r"another training has written .* meanwhile"):
        trainer.train(settings, Meddling(quiet=True), trainer.Keep(str(path), every=0.0))


def test_a_finite_loss_beyond_all_sense_is_divergence(tmp_path):
    text = tmp_path / "text.txt"
    text.write_text("the time machine by h g wells " * 40)
    settings = trainer.Settings(text=str(text), steps=8, epochs=9, lr=1e6, clip=1e6)
    with pytest.raises(DataError, match=r"training diverged at update .*nats per character"):
        trainer.train(settings, Reporter(quiet=True))
