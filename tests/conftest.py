"""Hypothesis: the same examples on every run (ci, a few of them: brief), or many new ones (nightly)."""

import os

from hypothesis import settings

settings.register_profile("ci", deadline=None, derandomize=True, max_examples=25)
settings.register_profile("brief", deadline=None, derandomize=True, max_examples=5)
settings.register_profile("nightly", deadline=None, derandomize=False, max_examples=500)
# the debugger's transcripts are compared without colour, whatever the terminal of the test run says
os.environ.pop("FORCE_COLOR", None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))
