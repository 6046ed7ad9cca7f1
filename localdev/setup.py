"""Sets up what the verbs of the Makefile need, once: `python3 -m localdev.setup python node`.

Standard library only: it runs with the machine's own Python, before anything is installed. A step that is done leaves a
stamp that names what it was made from; a step that fails leaves none, and says which step it was and what to do.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from localdev import node as nodes

ROOT = nodes.ROOT
VENV = ROOT / ".venv"
VENV_PYTHON = VENV / "bin" / "python"
LEAST_PYTHON = (3, 11)
SHOWN_LINES = 12


class StepFailed(RuntimeError):
    """What went wrong in a step, and what to do about it."""

    def __init__(self, step: str, what: str, advice: str) -> None:
        super().__init__(f"Set-up failed in the step “{step}”.\n{what}\nWhat to do: {advice}")


def fingerprint(files: Iterable[Path], *texts: str) -> str:
    """What a step is made from, as a digest: the content of files, and texts such as a version."""
    digest = hashlib.sha256()
    for part in [*(file.read_bytes() for file in files), *(text.encode() for text in texts)]:
        digest.update(hashlib.sha256(part).digest())
    return digest.hexdigest()


def once(stamp: Path, made_from: str, step: str, work: Callable[[], None]) -> None:
    """Do the work unless the stamp says that it has been done from the same things."""
    if stamp.exists() and stamp.read_text().strip() == made_from:
        return
    stamp.unlink(missing_ok=True)
    print(f"• {step} …", flush=True)
    started = time.monotonic()
    work()
    stamp.parent.mkdir(parents=True, exist_ok=True)
    stamp.write_text(made_from + "\n")
    print(f"  done in {time.monotonic() - started:.0f} s", flush=True)


def run(step: str, command: Sequence[str], advice: str, env: dict[str, str] | None = None) -> None:
    """Run a command; its output is shown only where it fails."""
    try:
        done = subprocess.run(
            command,
            check=False,
            cwd=ROOT,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
    except OSError as error:
        raise StepFailed(step, f"{command[0]} could not be started: {error}", advice) from error
    if done.returncode:
        tail = done.stdout.decode(errors="replace").strip().splitlines()[-SHOWN_LINES:]
        what = "\n".join([f"{' '.join(command)} ended with {done.returncode}:", *(f"  | {line}" for line in tail)])
        raise StepFailed(step, what, advice)


def python() -> None:
    """The virtual environment with everything of requirements-dev.txt."""
    version = ".".join(str(part) for part in sys.version_info[:3])
    if sys.version_info < LEAST_PYTHON:
        what = f"{sys.executable} is Python {version}, and 3.11 or later is needed."
        raise StepFailed("find Python", what, "install Python 3.11, then: make PYTHON3=python3.11 …")
    if not _venv_works():
        (VENV / "ready").unlink(missing_ok=True)
    made_from = fingerprint([ROOT / "requirements.txt", ROOT / "requirements-dev.txt"])
    once(VENV / "ready", made_from, "Python packages of requirements-dev.txt", _install_python)


def _venv_works() -> bool:
    """Whether the virtual environment is there, runs, and is of a Python that is new enough."""
    if not VENV_PYTHON.exists():
        return False
    check = f"import sys; sys.exit(sys.version_info < {LEAST_PYTHON})"
    return subprocess.run([str(VENV_PYTHON), "-c", check], capture_output=True, check=False).returncode == 0


def _install_python() -> None:
    if not _venv_works():
        shutil.rmtree(VENV, ignore_errors=True)
        make_venv("make the virtual environment", VENV)
    install = ["-m", "pip", "install", "--disable-pip-version-check", "--no-input", "-r", "requirements-dev.txt"]
    advice = "see that the Python package registry can be reached, then run the same verb again."
    run("install Python packages", [str(VENV_PYTHON), *install], advice)


def make_venv(step: str, folder: Path) -> None:
    """A virtual environment with pip, of the Python that runs this."""
    advice = (
        "install Python's venv module (Debian and Ubuntu: apt-get install python3-venv), then run the same verb again."
    )
    try:
        run(step, [sys.executable, "-m", "venv", str(folder)], advice)
    except StepFailed:
        # Without its pip the folder would look like an environment the next time.
        shutil.rmtree(folder, ignore_errors=True)
        raise


def node() -> None:
    """Azurite by the lock file, with the machine's Node or, where that is missing or too old, one from a wheel."""
    try:
        nodes.find()
    except nodes.NodeMissing:
        once(nodes.WHEEL_VENV / "ready", nodes.WHEEL, "Node from the Python registry", _install_node)
    found = nodes.find()
    made_from = fingerprint([ROOT / "package-lock.json"])
    once(
        ROOT / "node_modules" / ".ready",
        made_from,
        "Node packages of package-lock.json",
        lambda: _install_azurite(found),
    )


def _install_node() -> None:
    shutil.rmtree(nodes.WHEEL_VENV, ignore_errors=True)
    make_venv("make the environment for Node", nodes.WHEEL_VENV)
    pip = [
        str(nodes.WHEEL_VENV / "bin" / "python"),
        "-m",
        "pip",
        "install",
        "--disable-pip-version-check",
        "--no-input",
    ]
    advice = f"install Node {nodes.LEAST} or later with npm, or see that the Python package registry can be reached."
    run("install Node from a wheel", [*pip, nodes.WHEEL], advice)


def _install_azurite(found: nodes.Node) -> None:
    advice = "see that the npm registry can be reached, then run the same verb again."
    # No script of a package runs: Azurite needs none, and what runs at install time is code nobody has read.
    command = [*found.npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    run("install Node packages", command, advice, env=nodes.with_node_first(found))


STEPS = {"python": python, "node": node}


def main(names: Sequence[str]) -> int:
    """Do the named steps in order; 1 where one fails."""
    try:
        for name in names:
            STEPS[name]()
    except StepFailed as failure:
        print(f"\n{failure}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
