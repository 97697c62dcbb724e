"""The laws of the plans that training keeps: of all lengths while there is room, with the same losses."""

import numpy as np

from minigrad.models.data.stream import Chunk
from minigrad.models.train import chunk as chunks
from minigrad.models.train import evaluate
from tests.laws import close
from tests.models.train.language import TOKENS, model


def test_plans_of_many_lengths_are_kept_while_there_is_room(monkeypatch):
    def stream():
        return [
            Chunk(TOKENS[None, :T], TOKENS[None, 1 : T + 1], reset=np.array([True]))
            for T in range(2, 14)
        ]

    plans = chunks.Plans(model())
    first = evaluate(model(), stream(), plans)
    kept = list(plans._plans.values())
    assert len(kept) == 12
    close(evaluate(model(), stream(), plans), first)
    assert list(plans._plans.values()) == kept
    monkeypatch.setattr(chunks, "MAX_PLAN_BYTES", 1)
    close(evaluate(model(), stream(), plans), first)
    assert len(plans._plans) == 1
