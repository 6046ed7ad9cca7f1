"""Slow chains, a timer, an approval and a tree, to be killed in the middle; what activities do is noted in a file."""

import asyncio
import os
import time
from datetime import timedelta

import azure.durable_functions as df
import azure.functions as func

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)


def note(text):
    with open(os.environ["SLOW_LOG"], "a") as log:  # noqa: PTH123
        log.write(f"{text}\n")


@app.orchestration_trigger(context_name="context")
def chain(context):
    order = context.get_input()
    told = []
    for step in range(order["steps"]):
        told.append((yield context.call_activity("step", [order["name"], step])))
    return told


@app.orchestration_trigger(context_name="context")
def tree(context):
    chains = [
        context.call_sub_orchestrator("chain", {"name": f"t{n}", "steps": 3}, f"{context.instance_id}:{n}")
        for n in range(3)
    ]
    told = yield context.task_all(chains)
    yield context.create_timer(context.current_utc_datetime + timedelta(seconds=1))
    told.append((yield context.call_activity("step_in_thread", ["last", 0])))
    return told


@app.orchestration_trigger(context_name="context")
def approval(context):
    timer = context.create_timer(context.current_utc_datetime + timedelta(hours=1))
    event = context.wait_for_external_event("approve")
    winner = yield context.task_any([event, timer])
    if winner == timer:
        return "late"
    timer.cancel()
    return event.result


@app.orchestration_trigger(context_name="context")
def counts(context):
    n = context.get_input()["n"]
    yield context.call_activity("step", ["count", n])
    if n == 8:
        return n
    context.continue_as_new({"n": n + 1})


@app.activity_trigger(input_name="order")
async def step(order):
    note(f"begin {order}")
    await asyncio.sleep(0.15)
    note(f"end {order}")
    return f"{order[0]}{order[1]}"


@app.activity_trigger(input_name="order")
def step_in_thread(order):
    note(f"begin {order}")
    time.sleep(0.15)
    note(f"end {order}")
    return f"{order[0]}{order[1]}"


@app.activity_trigger(input_name="seconds")
def stuck(seconds):
    time.sleep(seconds)


@app.orchestration_trigger(context_name="context")
def stays(context):
    yield context.call_activity("stuck", 60)
