"""The public names: a snapshot of names, signatures and first lines, so that no change of them goes unseen.

``python -m tests.test_api`` writes the snapshot anew.
"""

import inspect
from pathlib import Path

import minigrad as mg
from minigrad import models, viz

SNAPSHOT = Path(__file__).parent / "api.txt"
MODULES = {
    "minigrad": mg,
    "minigrad.transforms": mg.transforms,
    "minigrad.optim": mg.optim,
    "minigrad.models": models,
    "minigrad.models.train": models.train,
    "minigrad.viz": viz,
    "minigrad.viz.plots": viz.plots,
}


def public(module):
    """The public names of a module: those it lists, or those it defines."""
    if hasattr(module, "__all__"):
        return sorted(module.__all__)
    names = [
        name
        for name, value in vars(module).items()
        if getattr(value, "__module__", "") == module.__name__
    ]
    return sorted(name for name in names if not name.startswith("_"))


def signature(value):
    """The signature, without the addresses that some defaults print."""
    try:
        text = str(inspect.signature(value))
    except (TypeError, ValueError):
        return ""
    return "(...)" if " at 0x" in text else text


def described(name, value):
    """A name's line, and those of a class's public members."""
    if inspect.ismodule(value):
        yield f"{name}: a module"
        return
    if not callable(value):
        yield f"{name}: {type(value).__name__}"
        return
    first = (inspect.getdoc(value) or "").partition("\n")[0]
    yield f"{name}{signature(value)}: {first}"
    if inspect.isclass(value):
        for member in sorted(vars(value)):
            if not member.startswith("_"):
                yield from members(f"{name}.{member}", inspect.getattr_static(value, member))


def members(name, member):
    """The line of a member: a method with its signature, an attribute with what it says."""
    member = getattr(member, "__func__", member)
    if inspect.isfunction(member):
        first = (inspect.getdoc(member) or "").partition("\n")[0]
        yield f"    {name}{signature(member)}: {first}"
    elif isinstance(member, property) or hasattr(member, "func"):
        yield f"    {name}: {(inspect.getdoc(member) or '').partition(chr(10))[0]}"
    else:
        yield f"    {name}"


def snapshot():
    lines = []
    for module_name, module in MODULES.items():
        lines.append(f"# {module_name}")
        for name in public(module):
            lines += described(name, getattr(module, name))
    return "\n".join(lines) + "\n"


def test_the_public_names_are_those_of_the_snapshot():
    assert snapshot() == SNAPSHOT.read_text(encoding="utf-8"), (
        "write it anew: python -m tests.test_api"
    )


if __name__ == "__main__":
    SNAPSHOT.write_text(snapshot(), encoding="utf-8")
