#!/usr/bin/env bash
# nbconvert 7.17.2 (PyPI), seen on 2026-11-28, with bleach as it installs it.
#
# HTMLExporter(sanitize_html=True), or jupyter nbconvert --HTMLExporter.sanitize_html=True, is for notebooks of others:
# what an output's HTML could do to the reader is taken out.
#
# The good guess: the script goes, and the paragraph, the table and the fold stay; JupyterLab's sanitizer does so, and
# drops a style altogether.
#
# Seen: the tags that are let through are few. <p>, <details> and <style> become source text that the reader sees,
# style sheet and all; bold face and emphasis stay.
#
#   <p>           a paragraph    shown as source
#   <details>     a fold         shown as source
#   <style>       a style sheet  shown as source, with what stands in it
#   <strong>      bold           kept
#   <em>          emphasis       kept
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv env
env/bin/pip install -q "nbconvert==7.17.2"
cat > seen.py <<'PY'
from nbconvert import HTMLExporter
from nbformat import v4

TAGS = {
    "p": ("a paragraph", "shown as source"),
    "details": ("a fold", "shown as source"),
    "style": ("a style sheet", "shown as source"),
    "strong": ("bold", "kept"),
    "em": ("emphasis", "kept"),
}
for tag, (meaning, expected) in TAGS.items():
    html = f"<{tag}>inside{tag}</{tag}>"
    output = v4.new_output("display_data", data={"text/html": html})
    cell = v4.new_code_cell("x", outputs=[output])
    language = {"name": "python", "pygments_lexer": "python"}
    notebook = v4.new_notebook(cells=[cell], metadata={"language_info": language})
    page, _ = HTMLExporter(sanitize_html=True).from_notebook_node(notebook)
    seen = "gone"
    if html in page:
        seen = "kept"
    elif html.replace("<", "&lt;").replace(">", "&gt;") in page:
        seen = "shown as source"
    print(f"{'<' + tag + '>':12}  {meaning:14} {seen}")
    assert seen == expected, seen
PY
env/bin/python seen.py
