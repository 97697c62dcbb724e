"""The commands of LaTeX that names are written with, and what each of them writes."""

from __future__ import annotations

BOLD = "Times-Bold"
UPRIGHT = "Times-Roman"

ACCENTS = {
    "hat": "\u0302",
    "widehat": "\u0302",
    "tilde": "\u0303",
    "widetilde": "\u0303",
    "bar": "\u0304",
    "overline": "\u0304",
    "dot": "\u0307",
    "ddot": "\u0308",
    "vec": "\u20d7",
    "check": "\u030c",
    "acute": "\u0301",
    "grave": "\u0300",
    "breve": "\u0306",
    "underline": "\u0332",
}
FACES = {
    "mathbf": BOLD,
    "boldsymbol": BOLD,
    "bm": BOLD,
    "textbf": BOLD,
    "mathrm": UPRIGHT,
    "text": UPRIGHT,
    "textrm": UPRIGHT,
    "operatorname": UPRIGHT,
    "mathsf": UPRIGHT,
    "mathtt": UPRIGHT,
    "mathit": "",
    "mathnormal": "",
}
ALPHABETS = {
    "mathbb": "DOUBLE-STRUCK",
    "mathcal": "SCRIPT",
    "mathscr": "SCRIPT",
    "mathfrak": "FRAKTUR",
}
SYMBOLS = {
    "ell": "ℓ",
    "hbar": "ℏ",
    "partial": "∂",
    "nabla": "∇",
    "cdot": "·",
    "times": "×",
    "odot": "⊙",
    "otimes": "⊗",
    "oplus": "⊕",
    "circ": "∘",
    "ast": "∗",
    "star": "⋆",
    "pm": "±",
    "leq": "≤",
    "le": "≤",
    "geq": "≥",
    "ge": "≥",
    "neq": "≠",
    "ne": "≠",
    "approx": "≈",
    "sim": "∼",
    "propto": "∝",
    "in": "∈",
    "to": "→",
    "rightarrow": "→",
    "leftarrow": "←",
    "infty": "∞",
    "sum": "∑",
    "prod": "∏",
    "int": "∫",
    "sqrt": "√",
    "top": "⊤",
    "intercal": "⊤",
    "dagger": "†",
    "perp": "⊥",
    "prime": "′",
    "dots": "…",
    "ldots": "…",
    "cdots": "⋯",
    "langle": "⟨",
    "rangle": "⟩",
    "lVert": "‖",
    "rVert": "‖",
    "Vert": "‖",
    "mid": "|",
    "left": "",
    "right": "",
    "big": "",
    "Big": "",
    "quad": " ",
    "qquad": "  ",
    "displaystyle": "",
    "varepsilon": "ε",
    "epsilon": "ϵ",
    "varphi": "φ",
    "phi": "ϕ",
    "vartheta": "ϑ",
    "varrho": "ϱ",
    "varpi": "ϖ",
    "varsigma": "ς",
}
_LETTERS = """
alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu
nu xi omicron pi rho sigma tau upsilon phi chi psi omega
"""
GREEK = dict(zip(_LETTERS.split(), "αβγδεζηθικλμνξοπρστυφχψω", strict=True))
"""Letters as programs name them."""


def greek_letter(word: str) -> str:
    """The letter that a program calls so, of ``Gamma`` the capital; nothing for other words."""
    lower = word.lower()
    letter = GREEK.get(lower, "")
    if word == lower.capitalize():
        return letter.upper()
    return letter if word == lower else ""


FUNCTIONS = frozenset(
    (
        "arg",
        "cos",
        "cosh",
        "det",
        "exp",
        "lim",
        "ln",
        "log",
        "max",
        "min",
        "sin",
        "sinh",
        "tan",
        "tanh",
    )
)
ESCAPED = {
    ",": " ",
    ";": " ",
    ":": " ",
    " ": " ",
    "!": "",
    "_": "_",
    "{": "{",
    "}": "}",
    "%": "%",
    "$": "$",
    "&": "&",
    "#": "#",
    "|": "‖",
}
KINDS = {"_": "sub", "^": "sup"}
LOWERED = str.maketrans("0123456789+-=()aehijklmnoprstuvx", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ")
RAISED = str.maketrans("0123456789+-=()in", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁱⁿ")
TABLES = {"sub": LOWERED, "sup": RAISED}
"""Characters that are low or high by themselves, for an index of an index."""
