#!/usr/bin/env bash
# IPython 9.18.1 (PyPI), seen on 2026-11-28.
#
# An object may show itself by _repr_html_, or by _repr_mimebundle_(include, exclude), which returns all its forms at
# once. IPython in a terminal shows text alone.
#
# The good guess: so it asks for text alone. _repr_html_ is not called, and include says "text/plain", so that an object
# can leave its picture undrawn.
#
# Seen: _repr_html_ is not called. _repr_mimebundle_ is, with include=None, and what it returns beside the text is
# thrown away: an object that draws a picture there draws one for every line typed at a prompt. That nothing but text is
# wanted is to be found in get_ipython().display_formatter.active_types.
#
#   _repr_html_          called 0 times
#   _repr_mimebundle_    called 1 times, include=None
#   active types         ['text/plain']
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv env
env/bin/pip install -q "ipython==9.18.1"
cat > seen.py <<'PY'
from IPython.terminal.interactiveshell import TerminalInteractiveShell

html_calls = []
bundle_calls = []


class Html:
    def _repr_html_(self):
        html_calls.append("called")
        return "<b>drawn</b>"


class Bundle:
    def _repr_mimebundle_(self, include=None, exclude=None):
        bundle_calls.append(include)
        return {"text/plain": "text", "text/html": "<b>drawn</b>"}


shell = TerminalInteractiveShell.instance()
for value in (Html(), Bundle()):
    shell.display_formatter.format(value)
active = shell.display_formatter.active_types
print(f"_repr_html_          called {len(html_calls)} times")
print(f"_repr_mimebundle_    called {len(bundle_calls)} times, include={bundle_calls[0]}")
print(f"active types         {active}")
assert html_calls == [] and bundle_calls == [None] and active == ["text/plain"]
PY
IPYTHONDIR="$work" env/bin/python seen.py
