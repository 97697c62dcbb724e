"""Modules looked up by name, only when called for. The command line uses it; the engine does not."""

from __future__ import annotations

import importlib
from types import ModuleType


def companion(name: str) -> ModuleType:
    """A module of ``minigrad.viz``, ``minigrad.models`` or the command line."""
    return importlib.import_module(name)
