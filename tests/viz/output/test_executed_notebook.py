"""The cells of docs/notebooks.md, run by a real kernel, exported by nbconvert, looked at in a real Chromium."""

import re
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.viz.page.test_stepper import chromium, in_chromium  # noqa: F401  (a fixture)

ROOT = Path(__file__).parents[3]
HOSTILE = "</details></div></style><script>pwned=1</script><img src=x onerror='pwned=2'>"
CELLS = [
    *re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "notebooks.md").read_text("utf-8"), re.S),
    f"""
weird = mg.tensor([1.0, 2.0], requires_grad=True, name={HOSTILE!r})
mg.Tape.of(np.sum(np.tanh(weird)).named({HOSTILE!r}))
""",
    "weird",
    "models.section(T=30).tape",
]
SECONDS = 60  # for a cell


@pytest.fixture(scope="module")
def executed():
    """The notebook with its outputs."""
    reason = "nbconvert or ipykernel is missing: pip install -e .[test]"
    pytest.importorskip("nbconvert", reason=reason)
    pytest.importorskip("ipykernel", reason=reason)
    from nbconvert.preprocessors import ExecutePreprocessor
    from nbformat import v4

    notebook = v4.new_notebook(cells=[v4.new_code_cell(code) for code in CELLS])
    run = ExecutePreprocessor(timeout=SECONDS, kernel_name="python3")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(ROOT))
        run.preprocess(notebook, {})
    return notebook


@pytest.fixture(scope="module")
def pages(executed, tmp_path_factory):
    """A light and a dark page of it."""
    from nbconvert import HTMLExporter

    folder = tmp_path_factory.mktemp("pages")
    files = []
    for theme in ("light", "dark"):
        file = folder / f"{theme}.html"
        # without the libraries that it would load from elsewhere
        exporter = HTMLExporter(theme=theme, mathjax_url="", require_js_url="", jquery_url="")
        file.write_text(exporter.from_notebook_node(executed)[0], "utf-8")
        files.append(file)
    return files


def test_every_cell_shows_text_and_html(executed):
    for cell in executed.cells:
        (output,) = cell.outputs
        assert {"text/plain", "text/html"} <= output["data"].keys(), cell.source
        assert "minigrad" in output["data"]["text/html"]
    for call in ("models.anatomy", "models.jacobians", "viz.plots"):
        (html,) = [c.outputs[0]["data"]["text/html"] for c in executed.cells if call in c.source]
        assert "<svg" in html
    # as the notebook calls its cells
    assert "In[1]:8" in executed.cells[0].outputs[0]["data"]["text/html"]


@in_chromium
def test_in_chromium(pages, chromium):  # noqa: F811
    for file in pages:
        chromium.open(file)
        assert chromium.run("document.querySelectorAll('.minigrad').length") == len(CELLS)
        # pictures fit, and none is empty
        wide = """[...document.querySelectorAll('.minigrad .ground, .minigrad iframe')].map(e => {
            const [a, b] = [e, e.closest('.jp-OutputArea-output')].map(x => x.getBoundingClientRect());
            return a.width > 50 && a.height > 50 && a.right <= b.right + 1; })"""
        fits = chromium.run(wide)
        assert len(fits) >= 8
        assert all(fits)
        # the words have the notebook's colour
        colour = "getComputedStyle(document.querySelector('.minigrad strong')).color"
        assert contrast(chromium, colour) > 7
        # folds open, and the picture in them is there
        opened = """(() => { const d = document.querySelector('.minigrad details');
            const high = e => e.getBoundingClientRect().height, before = high(d);
            d.querySelector('summary').click();
            return [before, high(d), high(d.querySelector('svg'))]; })()"""
        before, after, picture = chromium.run(opened)
        assert before < 50 < picture < after
        assert chromium.run("typeof window.pwned") == "undefined"
        assert "This notebook is not trusted" not in chromium.run("document.body.innerText")


def contrast(browser, colour):
    """The contrast of an inked colour to the page's ground, as the guidelines for accessibility have it."""
    code = f"""(() => {{
        const linear = v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
        const rgb = c => c.match(/[\\d.]+/g).slice(0, 3).map(v => linear(v / 255));
        const light = c => rgb(c).reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], .05);
        const pair = [light({colour}), light(getComputedStyle(document.body).backgroundColor)];
        return Math.max(...pair) / Math.min(...pair); }})()"""
    return browser.run(code)


def in_frame(browser, code):
    """The value of an expression in the frame, which is a process of its own."""
    page, browser.session = browser.session, None
    targets = browser.call("Target.getTargets")["targetInfos"]
    frame = next(t["targetId"] for t in targets if t["type"] == "iframe")
    browser.session = browser.call("Target.attachToTarget", targetId=frame, flatten=True)[
        "sessionId"
    ]
    try:
        return browser.run(code)
    finally:
        browser.session = page


@in_chromium
def test_the_stepper_answers_in_its_frame(pages, chromium):  # noqa: F811
    chromium.open(pages[0])
    chromium.run("document.querySelector('.minigrad iframe').focus()")
    chromium.press("ArrowRight", 2)
    assert "step 2 of" in in_frame(chromium, "document.getElementById('place').value")
    # it reads nothing of the notebook
    assert (
        in_frame(
            chromium,
            "(() => { try { return parent.document.title } catch { return 'refused' } })()",
        )
        == "refused"
    )
    assert [url for url in chromium.problems() if not str(url).startswith("data:")] == []
