"""Transforms: functions Tape -> Tape.

None runs the forward pass, changes a forward value, or touches its input. A transform that finds
nothing to do returns the tape it was given. Rewritten nodes keep their arrays, names, steps and
source lines; leaves keep their identity, so gradients are asked for with the user's own parameters.
"""

from .checkpointing import checkpoint
from .edges import clip_edges, cut, scale, untie
from .gradients import clip, clip_value, differentiate
from .simplification import simplify
from .truncation import reweight, truncate, truncate_randomly
from .updates import update

__all__ = [
    "checkpoint",
    "clip",
    "clip_edges",
    "clip_value",
    "cut",
    "differentiate",
    "reweight",
    "scale",
    "simplify",
    "truncate",
    "truncate_randomly",
    "untie",
    "update",
]
