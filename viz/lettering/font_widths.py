"""How wide text is in the fonts that pictures name, whatever fonts this machine has."""

from __future__ import annotations

from collections.abc import Mapping
from unicodedata import combining, east_asian_width, normalize

# The widths of characters in ems, rounded up to a twentieth, as measured in Liberation Serif Italic
# and Liberation Sans, whose characters are as wide as those of Times New Roman and of Helvetica and
# Arial; what these lack, as in DejaVu Sans.
_SERIF_ITALIC: dict[float, str] = {
    0.25: " ',.·′",
    0.30: "/\\fijlt|¦ª²³¹ıłίι∫",
    0.35: "!()-:;I`¨´¸ºΙΪ‘’",
    0.40: "[]rsz{}¡°έγετ•",
    0.45: '"J^cekvxyζλνξςχ″ℓ⁰⁴⁵⁶⁷⁸⁹₀₁₂₃₄₅₆₇₈₉',
    0.50: "#$*0123456789?S_abdghnopqu¢£¤¥§«¯»¿ßðøþήΰβδηθκορσυ–‖∂↑↓",
    0.55: "~±¶÷άαμπ√≈≠≤≥⁻",
    0.60: "LTYZŁΓΔΖΣΤΥΫφ“”",
    0.65: "ABEFPRVXÞΑΒΕΛΞΡΧψϑϵϱ",
    0.70: "+<=>CKNw¬×æœΚΝϕ∇−",
    0.75: "DGHOQUm¼½¾ÐØΗΘΟΠΨΩω∑∞",
    0.80: "&©®Φ",
    0.85: "%MWΜϖ∏⊙⊗✂",
    0.90: "Æ—…⊤",
    0.95: "@Œ",
    1.00: "←→⋯",
}
_SANS: dict[float, str] = {
    0.20: "'′",
    0.25: "ijlłίι‘’",
    0.30: " !,./:;I[\\]ft|¦·ıΙΪ∫",
    0.35: "()-`r{}¡¨²³´¸¹“”ℓ",
    0.40: '"*ª°ºτ•″',
    0.45: "έεζξ⁰⁴⁵⁶⁷⁸⁹₀₁₂₃₄₅₆₇₈₉",
    0.50: "J^cksvxyzγκλνς‖∂↑↓",
    0.55: "±¶÷ΰυχ√≈≠≤≥⁻",
    0.60: "#$+0123456789<=>?L_abdeghnopqu~¢£¤¥§«¬¯»×ðþŁΓάήαβδηθμορ–−",
    0.65: "FTZ¿ßøΖΞΣΤσφϑϵϱ",
    0.70: "&ABEKPSVXYÞΑΒΔΕΚΛΡΥΧΫπϕ∇",
    0.75: "CDHNRUw©®ÐΗΝΠΩψ∑∞",
    0.80: "GOQØΘΟΦω",
    0.85: "Mm¼½¾ΜΨϖ∏⊙⊗✂",
    0.90: "%æ⊤",
    0.95: "Wœ",
    1.00: "ÆŒ—…←→⋯",
    1.05: "@",
}

# A character that neither table has: nearly all are narrower.
_OTHER_EMS = 0.9
_WIDE_EMS = 1.0


def _by_character(table: Mapping[float, str]) -> dict[str, float]:
    widths: dict[str, float] = {}
    for ems, characters in table.items():
        widths |= dict.fromkeys(characters, ems)
    return widths


MATH_WIDTHS = _by_character(_SERIF_ITALIC)
SANS_WIDTHS = _by_character(_SANS)


def text_ems(text: str, widths: Mapping[str, float] = MATH_WIDTHS) -> float:
    """The width of a text in ems; of letters with accents that of the letters.

    >>> text_ems("h"), text_ems("ŷ") == text_ems("y")
    (0.5, True)
    """
    return sum(_ems(character, widths) for character in normalize("NFD", text))


def _ems(character: str, widths: Mapping[str, float]) -> float:
    known = widths.get(character)
    if known is not None:
        return known
    if combining(character):
        return 0.0
    if east_asian_width(character) in "WF":
        return _WIDE_EMS
    return _OTHER_EMS
