"""Named arrays and strings in one safetensors file with a checksum: written whole, read with suspicion."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from minigrad.errors import DataError
from minigrad.files import write_atomically

Arrays = dict[str, npt.NDArray[Any]]
LONGEST = 1 << 20  # bytes of header: names, shapes and strings
BLANK = b"0" * 64  # stands for the checksum while it is computed


def require() -> None:
    """Raise DataError where safetensors is not installed."""
    try:
        import safetensors.numpy  # noqa: F401
    except ImportError:
        raise DataError(
            "checkpoint", got="safetensors is not installed", remedy="pip install safetensors"
        ) from None


def write(path: str | os.PathLike[str], arrays: Arrays, about: Mapping[str, str]) -> Path:
    """Write the file. The metadata's ``checksum`` is the SHA-256 of all its bytes, with 64 zeros in the place of it."""
    require()
    from safetensors.numpy import save

    whole = {
        name: np.ascontiguousarray(a).reshape(a.shape) for name, a in arrays.items()
    }  # the other makes 0-d 1-d
    data = save(whole, metadata={**about, "checksum": BLANK.decode()})
    length = int.from_bytes(data[:8], "little")
    header = json.dumps(
        json.loads(data[8 : 8 + length]), sort_keys=True
    ).encode()  # else in another order every time
    header += b" " * (-len(header) % 8)
    data = len(header).to_bytes(8, "little") + header + data[8 + length :]
    if len(header) > LONGEST:
        raise DataError(
            "checkpoint", got=f"a header of {len(header):,} bytes", expected=f"at most {LONGEST:,}"
        )
    return write_atomically(path, data.replace(BLANK, hashlib.sha256(data).hexdigest().encode(), 1))


def read(path: str | os.PathLike[str]) -> tuple[Arrays, dict[str, str]]:
    """The arrays and strings of a file that ``write`` made.

    Nothing in it is executed. A header that is longer than the file or 1 MiB is refused unread; then one changed bit.
    Raises DataError that names the file.
    """
    require()
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            length = int.from_bytes(file.read(8), "little")
            if not 2 <= length <= min(size - 8, LONGEST):
                raise ValueError(
                    f"its header would be {length:,} bytes long, in a file of {size:,}"
                )
            header = file.read(length)
            entries = json.loads(header)
            about = entries.pop("__metadata__")
            given = str(about.pop("checksum")).encode()
            if (
                max((e["data_offsets"][1] for e in entries.values()), default=0)
                != size - 8 - length
            ):
                raise ValueError("its tensors do not fill the file")
            data = length.to_bytes(8, "little") + header + file.read()
        if (
            len(given) != len(BLANK)
            or hashlib.sha256(data.replace(given, BLANK, 1)).hexdigest().encode() != given
        ):
            raise ValueError("its checksum is wrong: some of it was lost or changed")
        return load(data), {str(k): str(v) for k, v in about.items()}
    except LookupError:
        why = "its header lacks the checksum or the place of a tensor"
    except RecursionError:
        why = "its header is nested too deeply"
    except OSError as error:
        why = error.strerror or str(error)
    except (SafetensorError, ValueError, TypeError, AttributeError) as error:
        why = str(error).splitlines()[0].rstrip(".")
    remedy = "Make one with minigrad train --save or --checkpoint"
    raise DataError("checkpoint", got=f"'{path}' cannot be read as one: {why}", remedy=remedy)
