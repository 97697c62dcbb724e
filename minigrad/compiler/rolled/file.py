"""A rolled program in one safetensors file, which NumPy alone reads."""

from __future__ import annotations

import json
import os
import struct
from pathlib import Path
from typing import Any

import numpy as np

from minigrad.core.array import Array
from minigrad.errors import ArgumentError, DataError, UnsupportedError
from minigrad.files import write_atomically

FORMAT = "minigrad.rolled.1"
DTYPES = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I16": "<i2",
    "I8": "|i1", "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "|u1", "BOOL": "|b1",
}  # fmt: skip
NAMES = {np.dtype(kind): name for name, kind in DTYPES.items()}
MAX_HEADER_BYTES = 100_000_000
ALIGNMENT = 8


def write_program(
    path: str | os.PathLike[str],
    program: Any,
    arrays: dict[str, Array],
) -> Path:
    """Write JSON and arrays. Raises DataError where the file cannot be written."""
    header: dict[str, Any] = {
        "__metadata__": {"format": FORMAT, "program": json.dumps(program, separators=(",", ":"))}
    }
    parts = []
    start = 0
    for name, array in arrays.items():
        if array.dtype not in NAMES:
            raise UnsupportedError("save", got=f"'{name}' is {array.dtype}", remedy="Cast it")
        data = np.ascontiguousarray(array).tobytes()
        stop = start + len(data)
        entry = {"dtype": NAMES[array.dtype], "shape": list(array.shape)}
        header[name] = entry | {"data_offsets": [start, stop]}
        parts.append(data)
        start = stop
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % ALIGNMENT)
    return write_atomically(path, b"".join([struct.pack("<Q", len(text)), text, *parts]))


def read_program(path: str | os.PathLike[str]) -> tuple[Any, dict[str, Array]]:
    """The JSON and the arrays of a file. Raises DataError for what is no such file."""
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise DataError(f"cannot read '{path}'", got=error.strerror or str(error)) from None
    except TypeError:
        got = f"a {type(path).__name__}"
        raise ArgumentError("load_program", got=got, expected="expected a path") from None
    try:
        return _parsed(data)
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError, struct.error) as error:
        reason = str(error) or type(error).__name__
        expected = "expected a program that roll(tape).save wrote"
        raise DataError(f"'{path}'", got=reason, expected=expected) from None


def _parsed(data: bytes) -> tuple[Any, dict[str, Array]]:
    (length,) = struct.unpack_from("<Q", data)
    if length > min(MAX_HEADER_BYTES, len(data) - 8):
        raise ValueError(f"a header of {length} bytes in a file of {len(data)}")
    header = json.loads(data[8 : 8 + length])
    about = header.pop("__metadata__")
    if about["format"] != FORMAT:
        raise ValueError(f"format {about['format']!r}")
    content = memoryview(data)[8 + length :]
    arrays = {}
    for name, entry in header.items():
        start, stop = entry["data_offsets"]
        if not 0 <= start <= stop <= len(content):
            raise ValueError(f"'{name}' lies at {start}..{stop} of {len(content)} bytes")
        flat = np.frombuffer(content[start:stop], DTYPES[entry["dtype"]])
        arrays[name] = flat.reshape(entry["shape"])
    return json.loads(about["program"]), arrays
