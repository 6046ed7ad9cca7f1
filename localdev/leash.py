"""Starts a program that ends with whoever started it: `python leash.py PARENT PROGRAM ARGUMENT…`.

Where the starter is killed without a chance to clean up, Linux ends the program; elsewhere it is up to the starter.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main(parent: int, command: list[str]) -> None:
    """Become the program, tied to the parent's life; returns only by raising OSError."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() == parent:  # else the parent died before the tie was made
        os.execvp(command[0], command)  # noqa: S606 - the command comes from the starter, not from outside


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
