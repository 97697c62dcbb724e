import string
from pathlib import Path

import pytest

from minigrad.viz.lettering.font_widths import MATH_WIDTHS, SANS_WIDTHS, text_ems

matplotlib = pytest.importorskip("matplotlib")

# the metrics that Adobe published with PostScript
FILES = {"ptmri8a.afm": MATH_WIDTHS, "phvr8a.afm": SANS_WIDTHS}


def measured(file):
    """Widths in ems by character, for ASCII."""
    path = Path(matplotlib.get_data_path()) / "fonts" / "afm" / file
    for line in path.read_text("latin-1").splitlines():
        fields = dict(part.split()[:2] for part in line.split(" ; ") if len(part.split()) >= 2)
        code = int(fields.get("C", -1)) if line.startswith("C ") else -1
        # two codes that PostScript gives to curved quotes
        if 32 <= code < 127 and chr(code) not in "'`":
            yield chr(code), int(fields["WX"]) / 1000


@pytest.mark.parametrize("file", FILES)
def test_no_character_is_wider_than_the_table_says(file):
    widths = dict(measured(file))
    assert len(widths) == 93
    for character, ems in widths.items():
        assert ems - 1e-3 <= FILES[file][character] <= ems + 0.08, character


def test_accents_add_nothing_and_strangers_are_wide():
    assert text_ems("h̃ŷ") == text_ems("hy")
    assert text_ems("漢") == 1.0
    assert text_ems(string.ascii_letters) == sum(map(text_ems, string.ascii_letters))
