"""The recurrent networks that the tests are stated over, each under one name."""

from tests.zoo.by_hand import Net, linear_cell, lstm_cell, nets, tanh_cell
from tests.zoo.cells import (
    CELLS,
    SMALL_CELLS,
    TRANSFORMS,
    TRUNCATIONS,
    B,
    D,
    H,
    V,
    small_net,
    stacked,
)
from tests.zoo.leaves import constant, param, weight
from tests.zoo.named import (
    TAPES,
    book_rnn,
    data_outside,
    encoder,
    gru,
    lstm,
    mlp,
    two_layers,
    untied,
)
from tests.zoo.plain import layered_rnn, plain_rnn, segmented_rnn

__all__ = [
    "CELLS",
    "SMALL_CELLS",
    "TAPES",
    "TRANSFORMS",
    "TRUNCATIONS",
    "B",
    "D",
    "H",
    "Net",
    "V",
    "book_rnn",
    "constant",
    "data_outside",
    "encoder",
    "gru",
    "layered_rnn",
    "linear_cell",
    "lstm",
    "lstm_cell",
    "mlp",
    "nets",
    "param",
    "plain_rnn",
    "segmented_rnn",
    "small_net",
    "stacked",
    "tanh_cell",
    "two_layers",
    "untied",
    "weight",
]
