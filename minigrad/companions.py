"""The way from the engine up to its companions, the packages models and viz, looked up only when called for."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType
from typing import Any

from .errors import ArgumentError, MinigradError


def companion(name: str) -> ModuleType:
    """The package ``models`` or ``viz`` (or a module of one, ``models.train``) that belongs to this minigrad.

    Raises ArgumentError where another module of that name, such as a user's own models.py, stands in front of it.
    """
    package = name.partition(".")[0]
    ours = Path(__file__).resolve().parent.parent / package / "__init__.py"
    try:
        found = importlib.import_module(package)
    except ImportError as error:
        raise ArgumentError(f"package {package}", got=str(error), remedy="Install minigrad again") from None
    where = getattr(found, "__file__", None) or "another folder"
    if Path(where).resolve() != ours:
        got, remedy = f"'{where}' stands in front of minigrad's own", "Rename it, or run from another folder"
        raise ArgumentError(f"package {package}", got=got, remedy=remedy)
    return importlib.import_module(name)


def bundle(shown: Any, listing: str) -> dict[str, str]:
    """For a notebook: the listing, and the picture, where there is a Graphviz to lay it out."""
    try:
        return {"text/plain": listing, "image/svg+xml": companion("viz").notebook(shown)}
    except MinigradError:
        return {"text/plain": listing}
