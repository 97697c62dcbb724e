"""Named arrays and strings in one safetensors file with a checksum.

It is written whole, and read with suspicion.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from minigrad.errors import DataError
from minigrad.internal import write_atomically

NamedArrays = dict[str, npt.NDArray[Any]]
# Of the number in front of the header that says how long it is.
LENGTH_BYTES = 8
# The header has names, shapes and strings.
MAX_HEADER_BYTES = 1 << 20
# Of what a file says, in a message.
MAX_SHOWN_CHARACTERS = 120
# Stands in the checksum's place while it is computed.
NO_CHECKSUM = b"0" * 64


def require() -> None:
    """Raise DataError where safetensors is not installed."""
    try:
        import safetensors.numpy  # noqa: F401
    except ImportError:
        got = "safetensors is not installed"
        raise DataError("checkpoint", got=got, remedy="pip install safetensors") from None


def write(path: str | os.PathLike[str], arrays: NamedArrays, about: Mapping[str, str]) -> Path:
    """Write the file; equal contents are equal bytes. Returns its path.

    The metadata's ``checksum`` is the SHA-256 of all bytes, with 64 zeros in the place of it.

    Raises DataError where the header would be too long to be read back, or the file cannot be
    written.

    >>> write("f.safetensors", {"W": np.eye(2)}, {"kind": "gru"}).name
    'f.safetensors'
    >>> arrays, about = read("f.safetensors")
    >>> arrays["W"].shape, about
    ((2, 2), {'kind': 'gru'})
    """
    require()
    from safetensors.numpy import save

    # ascontiguousarray alone makes an array of one element out of a scalar.
    whole = {name: np.ascontiguousarray(a).reshape(a.shape) for name, a in arrays.items()}
    metadata = {**about, "checksum": NO_CHECKSUM.decode()}
    data = save(whole, metadata=metadata)
    start = LENGTH_BYTES + _as_length(data[:LENGTH_BYTES])
    # safetensors writes the metadata in another order every time.
    entries = json.loads(data[LENGTH_BYTES:start])
    header = json.dumps(entries, sort_keys=True).encode()
    header += b" " * (-len(header) % 8)
    if len(header) > MAX_HEADER_BYTES:
        got = f"a header of {len(header):,} bytes"
        raise DataError("checkpoint", got=got, expected=f"at most {MAX_HEADER_BYTES:,}")
    data = _as_bytes(len(header)) + header + data[start:]
    signed = data.replace(NO_CHECKSUM, _checksum(data), 1)
    return write_atomically(path, signed)


def read(path: str | os.PathLike[str]) -> tuple[NamedArrays, dict[str, str]]:
    """The arrays and strings of a file that ``write`` made.

    Nothing in it is executed. A header that is longer than the file or 1 MiB is refused unread;
    then one changed bit.

    Raises DataError that names the file.
    """
    require()
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        data, about = _verified(path)
        return load(data), about
    except LookupError:
        why = "its header lacks the checksum or the place of a tensor"
    except RecursionError:
        why = "its header is nested too deeply"
    except OSError as error:
        why = error.strerror or str(error)
    except (SafetensorError, ValueError, TypeError, AttributeError) as error:
        why = shown(str(error).partition("\n")[0]).rstrip(".")
    remedy = "Make one with minigrad train --save or --checkpoint"
    raise DataError("checkpoint", got=f"'{path}' cannot be read as one: {why}", remedy=remedy)


def _verified(path: str | os.PathLike[str]) -> tuple[bytes, dict[str, str]]:
    """All bytes of a file, whose checksum is right, and its strings.

    Raises one of many errors where it is none.
    """
    with open(path, "rb") as file:
        header = _header(file)
        entries = json.loads(header, object_pairs_hook=_once_each)
        about = entries.pop("__metadata__")
        checksum = str(about.pop("checksum")).encode()
        # Before the tensors are read: they could be longer than the memory.
        size = os.fstat(file.fileno()).st_size
        ends = [entry["data_offsets"][1] for entry in entries.values()]
        if max(ends, default=0) != size - LENGTH_BYTES - len(header):
            raise ValueError("its tensors do not fill the file")
        data = _as_bytes(len(header)) + header + file.read()
    unsigned = data.replace(checksum, NO_CHECKSUM, 1)
    is_long_enough = len(checksum) == len(NO_CHECKSUM)
    if not is_long_enough or _checksum(unsigned) != checksum:
        raise ValueError("its checksum is wrong: some of it was lost or changed")
    return data, {str(key): str(value) for key, value in about.items()}


def shown(text: str) -> str:
    """What a file says, for a message of one line: printable, and not long.

    >>> len(shown("W" * 1000))
    123
    """
    short = text[:MAX_SHOWN_CHARACTERS]
    printable = "".join(c if c.isprintable() else repr(c)[1:-1] for c in short)
    return printable if short == text else f"{printable}..."


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of the header. Raises ValueError for a name twice, which others read otherwise."""
    entries = dict(pairs)
    if len(entries) < len(pairs):
        raise ValueError("its header has a name twice")
    return entries


def _header(file: IO[bytes]) -> bytes:
    """The header of an open file.

    Raises ValueError, before it is read, where its length is beyond belief.
    """
    size = os.fstat(file.fileno()).st_size
    length = _as_length(file.read(LENGTH_BYTES))
    if not 2 <= length <= min(size - LENGTH_BYTES, MAX_HEADER_BYTES):
        raise ValueError(f"its header would be {length:,} bytes long, in a file of {size:,}")
    return file.read(length)


def _as_bytes(length: int) -> bytes:
    """The length of a header as it stands in front of it."""
    return length.to_bytes(LENGTH_BYTES, "little")


def _as_length(data: bytes) -> int:
    """The length of a header from the bytes in front of it."""
    return int.from_bytes(data, "little")


def _checksum(data: bytes) -> bytes:
    """The SHA-256, as 64 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest().encode()
