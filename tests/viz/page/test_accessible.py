"""What axe-core, the checker of the web's accessibility rules, finds on the pages: nothing."""

import shutil

import pytest

import minigrad as mg
from minigrad import models, viz
from minigrad import transforms as tf
from minigrad.models.book.cases import network, vanishing
from tests import children

AXE = "axe-core@4.14.1"
NPM = shutil.which("npm")


@pytest.fixture(scope="module")
def axe(chromium, tmp_path_factory):
    """The text of axe-core's script."""
    if NPM is None:
        pytest.skip("the rules of accessibility need npm")
    folder = tmp_path_factory.mktemp("axe")
    install = [NPM, "install", "--no-save", "--no-audit", "--no-fund", "--prefix", folder, AXE]
    done = children.run(install, check=False, capture_output=True, text=True, cwd=folder)
    if done.returncode:
        pytest.skip(f"{AXE} does not install here")
    return (folder / "node_modules/axe-core/axe.min.js").read_text("utf-8")


def stepper_at(number):
    """A page of one tape, taken on by so many steps."""

    def make(browser, folder):
        tape = mg.Tape.of(network("lstm", 3))
        browser.open(viz.stepper(tape, folder / "a.html"))
        browser.press("ArrowRight", number)

    return make


def two_tapes(browser, folder):
    full = mg.Tape.of(vanishing(4))
    browser.open(viz.stepper(full, folder / "a.html", beside=tf.truncate(full, every=2)))
    browser.stop_at("h_2")


def two_tapes_at_the_end(browser, folder):
    two_tapes(browser, folder)
    browser.press("End")


def report(browser, folder):
    example = models.section(T=6)
    browser.open(models.report(example.tape, folder / "a.html", example.rnn.W_hh))


def picture(browser, folder):
    browser.open(viz.render(viz.unrolled(models.section(T=20).tape, grads=True), folder / "a.html"))


def picture_with_a_fold_open(browser, folder):
    picture(browser, folder)
    browser.run("document.querySelector('#folds button').click()")


def picture_with_a_rule_open(browser, folder):
    tape = tf.differentiate(models.section(T=2).tape)
    browser.open(viz.render(viz.draw(tape), folder / "a.html"))
    browser.run("document.querySelector('.node[role=button]').focus()")
    browser.press("Enter")


PAGES = {
    "stepper at the start": stepper_at(0),
    "stepper at a product": stepper_at(9),
    "two tapes at the cut": two_tapes,
    "two tapes at the end": two_tapes_at_the_end,
    "report": report,
    "picture": picture,
    "picture with a fold open": picture_with_a_fold_open,
    "picture with a rule open": picture_with_a_rule_open,
}
FOUND = """axe.run(document, {resultTypes: ['violations']}).then(found => found.violations.flatMap(rule =>
    rule.nodes.map(n => `${rule.impact} ${rule.id}: ${n.target}: ${n.failureSummary}`)))"""


@pytest.mark.parametrize("page", PAGES)
def test_the_pages_break_no_rule_light_dark_and_on_a_telephone(page, axe, browser, tmp_path):
    PAGES[page](browser, tmp_path)
    browser.run(axe)
    found = []
    for scheme in ("light", "dark"):
        browser.prefers(scheme)
        for width in (1400, 400):
            browser.call(
                "Emulation.setDeviceMetricsOverride",
                width=width,
                height=1000,
                deviceScaleFactor=1,
                mobile=False,
            )
            found += [f"{scheme}, {width} px: {line}" for line in browser.run(FOUND)]
    browser.call("Emulation.clearDeviceMetricsOverride")
    browser.prefers("")
    assert found == []
