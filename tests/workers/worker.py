"""A worker as a process: reads orders as lines of JSON, performs each activity by the app's own function, answers.

A line in: `{number, name, order}`; a line out: `{number, answer}`, or `{number, error}` where it raised.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import sys
from threading import Lock, Thread
from typing import Any

import function_app

_answering = Lock()


def main() -> None:
    functions = {each.get_function_name(): each.get_user_function() for each in function_app.app.get_functions()}
    for line in sys.stdin:
        asked = json.loads(line)
        Thread(target=_perform, args=(functions[asked["name"]], asked)).start()


def _perform(function: Any, asked: dict[str, Any]) -> None:
    told: dict[str, Any] = {"number": asked["number"]}
    try:
        value = function(asked["order"])
        told["answer"] = asyncio.run(value) if inspect.iscoroutine(value) else value
    except Exception as error:
        told["error"] = repr(error)
    with _answering:
        sys.stdout.write(f"{json.dumps(told)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
