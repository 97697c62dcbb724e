#!/usr/bin/env bash
# pyright 1.1.411 (npm), mypy 2.4.1 (PyPI), seen on 2026-11-27.
#
# One package, two folders: the checkout's folder `pkg/` has __init__.py only, and a folder on the search path, such as
# the link tree of an editable install, has `pkg/__init__.py` and `pkg/sub.py`. At run time `__path__` joins the two.
#
# The good guess: a type checker that finds the submodule for `import pkg.sub` finds it for `from pkg import sub` too;
# the two are one module.
#
# Seen: mypy takes both. pyright takes `import pkg.sub` (it goes on to the next root where the first does not have the
# submodule), and calls `from pkg import sub` an unknown import symbol: for the names behind `import` it looks into the
# first root's package only. The same line is clean in a folder outside the checkout.
#
#   pyright, import pkg.sub            0 errors
#   pyright, from pkg import sub       1 error: "sub" is unknown import symbol
#   mypy, both                         Success: no issues found
set -euo pipefail
pyright=1.1.411
mypy=2.4.1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund "pyright@$pyright" >/dev/null
python3 -m venv env
env/bin/pip install -q "mypy==$mypy"
mkdir -p checkout/pkg links/pkg
touch checkout/pkg/__init__.py links/pkg/__init__.py links/pkg/py.typed
printf 'def f() -> int:\n    return 1\n' > links/pkg/sub.py
realpath links > "$(echo env/lib/python3*/site-packages)/links.pth"
cd checkout
printf 'import pkg.sub\n\npkg.sub.f()\n' > dotted.py
printf 'from pkg import sub\n\nsub.f()\n' > plain.py
check() { ../node_modules/.bin/pyright --pythonpath ../env/bin/python "$1" 2>&1 || true; }
dotted=$(check dotted.py)
plain=$(check plain.py)
both=$(../env/bin/mypy dotted.py plain.py 2>&1 || true)
echo "pyright, import pkg.sub:       $(tail -n 1 <<<"$dotted")"
echo "pyright, from pkg import sub:  $(grep -o '"sub" is unknown import symbol' <<<"$plain")"
echo "mypy, both:                    $(tail -n 1 <<<"$both")"
grep -q '^0 errors' <<<"$dotted"
grep -q '"sub" is unknown import symbol' <<<"$plain"
grep -q '^Success' <<<"$both"
