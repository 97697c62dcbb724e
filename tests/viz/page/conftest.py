"""One Chromium for the tests of the pages; nothing goes wrong in it."""

import pytest

from tests.chromium import opened


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    with opened(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.fixture
def browser(chromium):
    yield chromium
    assert chromium.problems() == []
