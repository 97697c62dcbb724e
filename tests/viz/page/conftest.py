"""Nothing goes wrong on a page."""

import pytest


@pytest.fixture
def browser(chromium):
    yield chromium
    assert chromium.problems() == []
