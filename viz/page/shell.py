"""A page in one file that asks for nothing: a template, a style and a script under their policy."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from html import escape
from importlib.resources import files
from typing import Any


def filled(template: str, css: str, js: str, parts: Mapping[str, str], images: str = "") -> str:
    """The template with its parts; the policy admits this style, this script and nothing else.

    parts: the HTML in place of each ``%%name%%``. images: where they may come from, as ``data:``.
    """
    policy = (
        f"default-src 'none'; script-src '{_digest(js)}'; style-src '{_digest(css)}'; "
        + (f"img-src {images}; " if images else "")
        + "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; "
        "trusted-types 'none'"
    )
    inside = {**parts, "policy": escape(policy), "css": css, "js": js}
    # text and the names of parts by turns
    pieces = resource(template).split("%%")
    pieces[1::2] = [inside[name] for name in pieces[1::2]]
    return "".join(pieces)


def data_text(data: Any) -> str:
    """The data for a script element: nothing in them ends the element that they stand in."""
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=False)
    return text.replace("<", "\\u003c")


def resource(*path: str) -> str:
    """The text of a file beside this one."""
    return files(__package__).joinpath(*path).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return "sha256-" + base64.b64encode(digest).decode()
