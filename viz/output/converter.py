"""From SVG to PNG and PDF, by typst: text stays text, set in the fonts that the SVG names."""

from __future__ import annotations

from html import unescape
from importlib.util import find_spec
from typing import Any

INSTALL_CONVERTER = "pip install typst"
# twice the size on the page, for sharp lines
PNG_PIXELS_PER_INCH = 192
# No date: the same picture gives the same bytes.
_PAGE = b"""
#set document(title: sys.inputs.title, date: none)
#set page(width: auto, height: auto, margin: 0pt)
#image(bytes(sys.inputs.picture), format: "svg", alt: sys.inputs.title)
"""

_FRAMES = b"""
#set page(width: auto, height: auto, margin: 0pt)
#for k in range(int(sys.inputs.count)) {
  page(image(bytes(sys.inputs.at("picture" + str(k))), format: "svg"))
}
"""


def has_converter() -> bool:
    """Whether typst is installed."""
    return find_spec("typst") is not None


def frames_of(svgs: list[str], pixels_per_inch: float) -> list[bytes]:
    """The pictures, each as the bytes of a ``png`` file."""
    import typst

    numbered = {f"picture{k}": svg for k, svg in enumerate(svgs)}
    options: dict[str, Any] = {
        "format": "png",
        "ppi": pixels_per_inch,
        "sys_inputs": {"count": str(len(svgs)), **numbered},
    }
    made: list[bytes] | bytes = typst.compile(_FRAMES, **options)
    return [made] if isinstance(made, bytes) else made


def converted(svg: str, kind: str) -> bytes:
    """The picture as the bytes of a ``png`` or a ``pdf`` file."""
    import typst

    _, _, rest = svg.partition("<title>")
    title = unescape(rest.partition("</title>")[0])
    options: dict[str, Any] = {
        "format": kind,
        "ppi": PNG_PIXELS_PER_INCH,
        "sys_inputs": {"title": title, "picture": svg},
    }
    made: bytes = typst.compile(_PAGE, **options)
    return made
