"""The cells of docs/notebooks.md, run by a real kernel, exported by nbconvert, looked at in a real Chromium."""

import re
from pathlib import Path

import pytest

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


def executed():
    """The notebook with its outputs."""
    from nbconvert.preprocessors import ExecutePreprocessor
    from nbformat import v4

    notebook = v4.new_notebook(cells=[v4.new_code_cell(code) for code in CELLS])
    run = ExecutePreprocessor(timeout=SECONDS, kernel_name="python3")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(ROOT))
        run.preprocess(notebook, {})
    return notebook


def exported(notebook, theme, folder):
    """The page that nbconvert makes, without the libraries that it would load from elsewhere."""
    from nbconvert import HTMLExporter

    exporter = HTMLExporter(theme=theme, mathjax_url="", require_js_url="", jquery_url="")
    file = folder / f"{theme}.html"
    file.write_text(exporter.from_notebook_node(notebook)[0], "utf-8")
    return file


# one test: the notebook is run once, whatever the number of workers
def test_the_cells_of_the_page(request, tmp_path):
    for library in ("nbconvert", "ipykernel"):
        pytest.importorskip(library, reason=f"{library} is missing: pip install -e .[test]")
    notebook = executed()
    every_cell_shows_text_and_html(notebook)
    # only now: without Chromium the rest is skipped
    browser = request.getfixturevalue("chromium")
    for theme in ("light", "dark"):
        browser.open(exported(notebook, theme, tmp_path))
        pictures_fit(browser)
        folds_open(browser)
        assert contrast(browser) > 7
        assert browser.run("typeof window.pwned") == "undefined"
        assert "This notebook is not trusted" not in browser.run("document.body.innerText")
        the_stepper_answers_in_its_frame(browser)
        assert [url for url in browser.problems() if not str(url).startswith("data:")] == []


def every_cell_shows_text_and_html(notebook):
    shown = {}
    for cell in notebook.cells:
        (output,) = cell.outputs
        assert {"text/plain", "text/html"} <= output["data"].keys(), cell.source
        shown[cell.source] = output["data"]["text/html"]
        assert "minigrad" in shown[cell.source]
    for call in ("models.anatomy", "models.jacobians", "viz.plots"):
        (html,) = [html for source, html in shown.items() if call in source]
        assert "<svg" in html
    # as the notebook calls its cells
    assert "In[1]:8" in shown[notebook.cells[0].source]


def pictures_fit(browser):
    """None is wider than its cell, none is empty."""
    code = """[...document.querySelectorAll('.minigrad .ground, .minigrad iframe')].map(e => {
        const [a, b] = [e, e.closest('.jp-OutputArea-output')].map(x => x.getBoundingClientRect());
        return a.width > 50 && a.height > 50 && a.right <= b.right + 1; })"""
    fits = browser.run(code)
    assert len(fits) >= 8
    assert all(fits)


def folds_open(browser):
    """And the picture in them is there."""
    code = """(() => { const d = document.querySelector('.minigrad details');
        const high = e => e.getBoundingClientRect().height, before = high(d);
        d.querySelector('summary').click();
        return [before, high(d), high(d.querySelector('svg'))]; })()"""
    before, after, picture = browser.run(code)
    assert before < 50 < picture < after


def contrast(browser):
    """Of a cell's words to the page's ground, as the guidelines for accessibility have it."""
    code = """(() => {
        const linear = v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
        const rgb = c => c.match(/[\\d.]+/g).slice(0, 3).map(v => linear(v / 255));
        const light = c => rgb(c).reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], .05);
        const word = getComputedStyle(document.querySelector('.minigrad strong')).color;
        const pair = [light(word), light(getComputedStyle(document.body).backgroundColor)];
        return Math.max(...pair) / Math.min(...pair); })()"""
    return browser.run(code)


def the_stepper_answers_in_its_frame(browser):
    browser.run("document.querySelector('.minigrad iframe').focus()")
    browser.press("ArrowRight", 2)
    assert in_frame(browser, "document.getElementById('place').value").startswith("step 2 of ")
    # it reads nothing of the notebook
    code = "(() => { try { return parent.document.title } catch { return 'refused' } })()"
    assert in_frame(browser, code) == "refused"


def in_frame(browser, code):
    """The value of an expression in the frame, which is a process of its own."""
    page, browser.session = browser.session, None
    targets = browser.call("Target.getTargets")["targetInfos"]
    frame = next(t["targetId"] for t in targets if t["type"] == "iframe")
    attached = browser.call("Target.attachToTarget", targetId=frame, flatten=True)
    browser.session = attached["sessionId"]
    try:
        return browser.run(code)
    finally:
        browser.session = page
