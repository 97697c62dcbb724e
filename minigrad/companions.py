"""The way from the engine up to its pictures, looked up only when called for."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any

from .errors import MinigradError


def companion(name: str) -> ModuleType:
    """A module of ``minigrad.viz`` or ``minigrad.models``."""
    return importlib.import_module(name)


def bundle(shown: Any, listing: str) -> dict[str, str]:
    """For a notebook: the listing, and the picture, where there is a Graphviz to lay it out."""
    try:
        return {"text/plain": listing, "image/svg+xml": companion("minigrad.viz").notebook(shown)}
    except MinigradError:
        return {"text/plain": listing}
