"""What functions are given and what becomes of what they return: requests, timers, activity inputs, calls."""

from __future__ import annotations

import asyncio
import contextvars
import json
import threading
import traceback
import uuid
import warnings
from collections.abc import Callable
from concurrent.futures import Executor
from types import SimpleNamespace
from typing import Any

from azure.functions.durable_functions import ActivityTriggerConverter
from azure.functions.meta import Datum

from localdev.host.history import dumps


class ActivityFailed(Exception):
    """`reason` and `details` as they stand in the history."""

    def __init__(self, reason: str, details: str | None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.details = details


def invocation_context(function: str, directory: str) -> Any:
    """What a function finds in its extra parameter `context`."""
    identity = str(uuid.uuid4())
    local = threading.local()
    local.invocation_id = identity
    return SimpleNamespace(
        invocation_id=identity,
        function_name=function,
        function_directory=directory,
        trace_context=SimpleNamespace(trace_parent="", trace_state="", attributes={}),
        retry_context=SimpleNamespace(retry_count=0, max_retry_count=0, exception=None),
        thread_local_storage=local,
    )


async def invoke(function: Callable[..., Any], arguments: dict[str, Any], pool: Executor) -> Any:
    """Call by keyword: coroutine functions on the event loop, plain ones in a thread of the pool."""
    if asyncio.iscoroutinefunction(function):
        return await function(**arguments)
    run = contextvars.copy_context().run
    return await asyncio.get_running_loop().run_in_executor(pool, lambda: run(function, **arguments))


def activity_argument(input_text: str) -> Any:
    """`input_text`: what the orchestrator sent; text that is not JSON arrives as it is."""
    # The SDK remarks once, on decoding, that a type was not named; the app has no place to name it.
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="azure.functions df_loads was called without expected_type")
        return ActivityTriggerConverter.decode(Datum(input_text, "string"), trigger_metadata=None)


def activity_result(value: Any) -> str:
    """JSON text, compact as .NET writes it; ValueError where the value is not JSON."""
    return dumps(json.loads(ActivityTriggerConverter.encode(value, expected_type=None).value))


def activity_failure(name: str, error: BaseException) -> ActivityFailed:
    message = f"{type(error).__name__}: {error}"
    stack = "".join(traceback.format_exception(error))
    details = {
        "$type": "System.Exception, System.Private.CoreLib",
        "ClassName": "System.Exception",
        "Message": message,
        "Data": None,
        "InnerException": {"RemoteMessage": message, "RemoteStackTrace": stack},
        "StackTraceString": None,
        "HResult": -2146233088,
        "Source": None,
    }
    return ActivityFailed(f"Activity function '{name}' failed: {message}", dumps(details))


def worker_failure(name: str, text: str) -> ActivityFailed:
    """A failure that comes from outside the activity: its worker died, or its time was over."""
    details = {"$type": "System.Exception, System.Private.CoreLib", "ClassName": "System.Exception", "Message": text}
    return ActivityFailed(f"Activity function '{name}' failed: {text}", dumps(details))
