"""Generated code as a loaded library, with the products that it calls."""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Sequence
from importlib.resources import files
from typing import Any

from .c_expressions import C_TYPES, REALS
from .c_source import BLOCK_ROWS
from .toolchain import library

PRODUCTS = ("pack_{real}", "product_{real}", "multiply_{real}")
# what changes products most, and nothing else, is unrolling; the rest compiles in half the time
OPTIMIZE_PRODUCTS = "-O3"
OPTIMIZE = "-O2"


def load(functions: Sequence[str]) -> list[Any]:
    """Functions of C, each named ``segment_0`` and so on, as ctypes calls them.

    Raises CompilerError.
    """
    text = "\n".join([_kernel("numbers.c"), *_declarations(), *functions])
    loaded = library(text, OPTIMIZE)
    for name in _product_names():
        if f"{name}(" in text:
            ctypes.c_void_p.in_dll(loaded, name).value = _address(name)
    segments = []
    for number in range(len(functions)):
        segment = loaded[f"segment_{number}"]
        segment.restype = ctypes.c_long
        segments.append(segment)
    return segments


def _product_names() -> list[str]:
    names = []
    for dtype in REALS:
        names += [name.format(real=C_TYPES[dtype]) for name in PRODUCTS]
    return names


def _declarations() -> list[str]:
    """Where the addresses of the products are entered."""
    return [f"void (*{name})();" for name in _product_names()]


def _address(name: str) -> int | None:
    return ctypes.cast(_products()[name], ctypes.c_void_p).value


@functools.cache
def _products() -> ctypes.CDLL:
    """The products, which are compiled once for all programs."""
    parts = [f"#define BLOCK {BLOCK_ROWS}"]
    for dtype in REALS:
        parts.append(_kernel("products.c").replace("REAL", C_TYPES[dtype]))
    return library("\n".join(parts), OPTIMIZE_PRODUCTS)


def _kernel(name: str) -> str:
    kernels = files("minigrad.compiler.native") / "kernels"
    return (kernels / name).read_text("utf-8")
