"""The one door: what ``minigrad.models`` and ``minigrad.viz`` use beyond the public names.

Semi-public: other libraries may use it too, and what is listed here changes with a note in the
changelog, not in silence. Everything else under ``minigrad.core``, ``minigrad.compiler`` and the
like is private.
"""

from __future__ import annotations

from minigrad.containers import as_tensors
from minigrad.containers import parameters as parameters_in
from minigrad.core import gates
from minigrad.core.arguments import refuse_no_tape
from minigrad.core.array import Array
from minigrad.core.gates import alias
from minigrad.core.inspection.notation import filled, templates, words_of
from minigrad.core.inspection.recorded_passes import Made, passes_of
from minigrad.core.inspection.text import (
    float_norm,
    kind_of,
    notebook_bundle,
    operation,
    unique_names,
)
from minigrad.core.inspection.text import summary as array_summary
from minigrad.core.norms import norm, norm_in_parts, positive, shrink
from minigrad.core.order import behind, dependents, leading_to, reached
from minigrad.core.recurrence.state import States
from minigrad.core.sweep import sweep
from minigrad.debugger.session import Session
from minigrad.files import leftovers, make_folder, write_atomically
from minigrad.gc_paused import uncollected
from minigrad.ops.elementwise import accumulate
from minigrad.ops.table import letter
from minigrad.source import span

__all__ = [
    "Array",
    "Made",
    "Session",
    "States",
    "accumulate",
    "alias",
    "array_summary",
    "as_tensors",
    "behind",
    "dependents",
    "filled",
    "float_norm",
    "gates",
    "kind_of",
    "leading_to",
    "leftovers",
    "letter",
    "make_folder",
    "norm",
    "norm_in_parts",
    "notebook_bundle",
    "operation",
    "parameters_in",
    "passes_of",
    "positive",
    "reached",
    "refuse_no_tape",
    "shrink",
    "span",
    "sweep",
    "templates",
    "uncollected",
    "unique_names",
    "words_of",
    "write_atomically",
]
