"""The product itself, measured: `python -m bench [name] …`, a name out of `NAMES`; without one, all of them."""

from __future__ import annotations

import importlib
import sys

NAMES = ("extraction", "aggregation", "publishing", "readers", "contacts", "cold_start")


def main(arguments: list[str]) -> int:
    if arguments and arguments[0] not in NAMES:
        print(f"usage: python -m bench [{' | '.join(NAMES)}] …", file=sys.stderr)
        return 2
    chosen = arguments[:1] or NAMES
    return max(int(importlib.import_module(f"bench.{name}").main(arguments[1:])) for name in chosen)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
