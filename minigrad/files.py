"""Writing a file so that it is whole or not there."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from .errors import DataError


def write_atomically(path: str | os.PathLike[str], data: bytes) -> Path:
    """Write data to a temporary file beside path, then rename it. Raises DataError that names the file."""
    target, temporary = Path(path), None
    try:
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name[:40]}.")
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, target)
    except BaseException as error:
        if temporary and os.path.exists(temporary):
            os.unlink(temporary)
        if isinstance(error, (OSError, ValueError)):
            remedy = "Give a path in a folder that exists and that you may write to"
            why = getattr(error, "strerror", None) or str(error)
            raise DataError(f"cannot write '{path}'", got=why, remedy=remedy) from None
        raise
    return target


def _umask() -> int:
    """The permissions that new files go without; temporary files start with fewer than the user wants."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


def make_folder(folder: Path) -> None:
    """Make a folder, and those above it, where they are missing. Raises DataError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        remedy = "Name another folder with -o DIR"
        raise DataError(f"cannot make the folder '{folder}'", got=error.strerror or "", remedy=remedy) from None
