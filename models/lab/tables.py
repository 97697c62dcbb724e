"""Numbers as the bytes of a CSV or JSON file."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any


def as_csv(columns: Sequence[str], rows: Iterable[Sequence[Any]], line_end: str = "\n") -> bytes:
    r"""A line with the names of the columns, and one per row; numbers in full.

    >>> as_csv(("run", "loss"), [("full", 0.1), ("every=2, clipped", 1 / 3)])
    b'run,loss\nfull,0.1\n"every=2, clipped",0.3333333333333333\n'
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator=line_end)
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue().encode()


def as_json(record: Mapping[str, Any], indent: int | None = None) -> bytes:
    """The record as JSON, on one line unless there is an indent.

    >>> as_json({"seed": 1, "losses": [0.5, 0.25]})
    b'{"seed": 1, "losses": [0.5, 0.25]}'
    """
    return json.dumps(record, indent=indent).encode()
