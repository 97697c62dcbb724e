"""Writing a file so that it is whole or not there, also after a crash."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from .errors import ArgumentError, DataError

MAX_PREFIX_CHARACTERS = 40
_END = ".part"


def write_atomically(path: str | os.PathLike[str], data: bytes) -> Path:
    """Write data to a temporary file beside path, then rename it.

    Both are on disk when this returns.

    Raises DataError that names the file; what was there before is untouched then.
    """
    target = Path(path)
    temporary = ""
    try:
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=_prefix(target), suffix=_END)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, target)
        _sync(target.parent)
    except BaseException as error:
        if temporary and os.path.exists(temporary):
            os.unlink(temporary)
        if isinstance(error, (OSError, ValueError)):
            raise _unwritten(target, error) from None
        raise
    return target


def _unwritten(path: Path, error: Exception) -> DataError:
    full = getattr(error, "errno", 0) in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    place = "with room for it" if full else "that exists and that you may write to"
    reason = getattr(error, "strerror", None) or str(error)
    remedy = f"Give a path in a folder {place}"
    return DataError(f"cannot write '{path}'", got=reason, remedy=remedy)


def _prefix(path: Path) -> str:
    """How the names of the temporary files for a path begin."""
    return f".{path.name[:MAX_PREFIX_CHARACTERS]}."


def leftovers(path: Path) -> list[Path]:
    """The temporary files of ``write_atomically(path)`` that a killed process left."""
    temporary = path.parent.glob(f".*{_END}")
    return [f for f in temporary if f.name.startswith(_prefix(path))]


def _sync(folder: Path) -> None:
    """Make a renaming last, where folders can be opened: not on Windows."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _umask() -> int:
    """The permissions that new files go without.

    Temporary files start with fewer than the user wants.
    """
    mask = os.umask(0)
    os.umask(mask)
    return mask


def make_folder(folder: Path) -> None:
    """Make a folder, and those above it, where they are missing. Raises DataError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        subject = f"cannot make the folder '{folder}'"
        remedy = "Name another folder with -o DIR"
        raise DataError(subject, got=error.strerror or "", remedy=remedy) from None


def refuse_unwritable(path: str | os.PathLike[str], suffixes: Sequence[str] = ()) -> None:
    """Say before the work what could not be written after it.

    ``suffixes`` are those that the file's name may end in, dots included; none: any name will do.
    Raises ArgumentError for another ending, a folder that is missing or closed, and a folder in the
    file's place.
    """
    file = Path(path)
    refusal = f"cannot write '{path}'"
    if suffixes and file.suffix.lower() not in suffixes:
        got = "of no format that is known by its ending"
        raise ArgumentError(
            refusal, got=got, expected=f"expected one that ends in {', '.join(suffixes)}"
        )
    if not file.parent.is_dir():
        raise ArgumentError(refusal, got="its folder does not exist", remedy="Make it first")
    if file.is_dir():
        raise ArgumentError(refusal, got="it is a folder", remedy="Name a file in it")
    try:
        tempfile.TemporaryFile(dir=file.parent).close()
    except OSError as error:
        remedy = "Give a path in a folder that exists and that you may write to"
        raise ArgumentError(refusal, got=error.strerror or str(error), remedy=remedy) from None
