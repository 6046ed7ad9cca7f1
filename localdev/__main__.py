"""The commands of the offline world: `python -m localdev host | graph | mail | demo | up`."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Sequence

COMMANDS = {
    "host": ("localdev.host.cli", "the local host alone, like `func start`"),
    "graph": ("localdev.graph.cli", "the Graph and Entra emulator alone"),
    "mail": ("localdev.mail", "the mail catcher alone"),
    "demo": ("localdev.demo", "everything: one run, its result, and stop"),
    "up": ("localdev.up", "everything: one run, and left running"),
}


def main(argv: Sequence[str]) -> int:
    """Hand the arguments to the named command; 2 where there is no such command."""
    if not argv or argv[0] not in COMMANDS:
        print("Usage: python -m localdev COMMAND …\n", file=sys.stderr)
        for name, (_, does) in COMMANDS.items():
            print(f"  {name:<6}{does}", file=sys.stderr)
        return 2
    # Only the one that is asked for: the host's child process needs nothing of the emulator's.
    command: Callable[[list[str]], int] = importlib.import_module(COMMANDS[argv[0]][0]).main
    return command(list(argv[1:]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
