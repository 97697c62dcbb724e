"""What the tests of native code share: a cache of their own, and plans that compile quickly."""

import pytest

import minigrad as mg
from minigrad.compiler.native import libraries, toolchain

needs_compiler = pytest.mark.skipif(
    toolchain.compiler() is None, reason="no C compiler on this machine"
)


@pytest.fixture(scope="session")
def cache(tmp_path_factory):
    """A folder that only the tests compile into."""
    return tmp_path_factory.mktemp("native")


@pytest.fixture
def own_cache(cache, monkeypatch):
    monkeypatch.setattr(toolchain, "_cache", lambda: cache)


@pytest.fixture
def quickly(monkeypatch):
    """Without optimization: what is translated is the same, and compiles in half the time."""
    monkeypatch.setattr(libraries, "OPTIMIZE", "-O0")


def native(tape):
    return mg.compile(tape, backend="native")
