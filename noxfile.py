"""The project's tasks: ``nox -l`` lists them, ``nox -s fast`` runs one."""

import nox

nox.options.default_venv_backend = "venv"
nox.options.reuse_existing_virtualenvs = True
nox.options.sessions = ["lint", "types", "fast"]
FAST = [
    "tests/test_layers.py",
    "tests/test_house.py",
    "tests/minigrad/core",
    "tests/minigrad/transforms",
]
RIVALS = ["torch", "jax", "scipy", "expecttest", "mpmath", "tqdm"]


def install(session: nox.Session) -> None:
    """The project as it is worked on, with everything that its tests need."""
    session.install("-e", ".[all,test]")


@nox.session
def tests(session: nox.Session) -> None:
    """Everything that the gate tests: ``nox -s tests -- -k truncate`` chooses."""
    install(session)
    session.run("python", "-m", "pytest", *session.posargs)


@nox.session
def fast(session: nox.Session) -> None:
    """The laws of the core, within a minute."""
    install(session)
    session.run("python", "-m", "pytest", *(session.posargs or FAST))


@nox.session
def lint(session: nox.Session) -> None:
    """Rules and format."""
    session.install("ruff")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """mypy --strict over the engine, models and viz as they are installed."""
    install(session)
    session.run("mypy")


@nox.session
def docs(session: nox.Session) -> None:
    """The figures of the README and docs/, made again; then every example in text and docstrings."""
    install(session)
    session.run("minigrad", "figure", "all", "-o", "docs")
    session.run(
        "python", "-m", "pytest", "README.md", "tests/test_docs.py", "tests/test_docstrings.py"
    )


@nox.session
def bench(session: nox.Session) -> None:
    """The benchmarks that need no rival; ``nox -s bench -- plans`` runs benchmarks/plans.py alone."""
    install(session)
    for name in session.posargs or ["plans", "eager", "checkpoint"]:
        session.run("python", f"benchmarks/{name}.py")


@nox.session(venv_backend="none")
def gate(session: nox.Session) -> None:
    """What must pass before a change lands: the README's commands in a fresh clone, lint, format and types."""
    session.run("bash", ".ci/run", external=True)


@nox.session
def engines(session: nox.Session) -> None:
    """What needs JAX and PyTorch, which the gate does not install: tapes lowered, models brought in."""
    install(session)
    session.install("jax", "torch", "h5py")
    session.run("python", "-m", "pytest", "tests/minigrad/engines", "tests/models/weights")


@nox.session
def nightly(session: nox.Session) -> None:
    """The tests with random examples, twenty times as many; the laws of plans for native code too."""
    install(session)
    thorough = {"HYPOTHESIS_PROFILE": "nightly", "MINIGRAD_LAWS_OF_NATIVE_CODE": "1"}
    session.run("python", "-m", "pytest", *session.posargs, env=thorough)


@nox.session
def conformity(session: nox.Session) -> None:
    """Beside autograd's tests, PyTorch's samples and JAX: ``-- random_programs --loops 100`` runs one of them."""
    install(session)
    session.install(*RIVALS)
    scripts, options = session.posargs[:1], session.posargs[1:]
    for script in scripts or ["autograd_tests", "opinfo", "random_programs"]:
        session.run("python", f"benchmarks/conformity/{script}.py", *options)
