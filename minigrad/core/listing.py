"""The listing of a tape: it reads like the program that it is."""

from __future__ import annotations

from typing import Any


def listing(tape: Any) -> str:
    """The program of a Tape, a line per node; unnamed numbers stand where they are read."""
    names, lines, now = tape.names, [], None
    inline = {n: f"{n.data.item():.4g}" for n in tape.leaves if n.size == 1 and n.name is None}
    for n in tape.nodes:
        if n in inline:
            continue
        if n.time != now:
            now = n.time
            lines.append(f"# t = {now}" if now is not None else "# outside the steps")
        args = elided([inline.get(x, names[x]) for x in n.inputs], 8, "...")
        args += [f"{k}={getattr(v, '__name__', v)}" for k, v in n.kwargs.items()]
        made = (
            f"{n.op}({', '.join(args)})" if n.fn else "parameter" if n.requires_grad else "constant"
        )
        lines.append(
            f"{names[n]}: {n.dtype}{list(n.shape)} = {made}{'  # recomputed' * n.recomputed}"
        )
    lines = elided(lines, 1000, f"# ... {len(lines) - 1000:,} lines ...")
    return "\n".join([*lines, f"return {', '.join(names[o] for o in tape.outputs)}"])


def elided(items: list[str], most: int, mark: str) -> list[str]:
    """The items, or the first and last of them around a mark where there are more than ``most``."""
    half = most // 2
    return items if len(items) <= most else [*items[:half], mark, *items[-half:]]
