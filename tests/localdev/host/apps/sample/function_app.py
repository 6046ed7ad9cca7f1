"""A small app that a test serves: routes of every kind, timers, orchestrations, activities that misbehave."""

import asyncio
import json
import os
import time
from contextlib import suppress
from datetime import timedelta

import azure.durable_functions as df
import azure.functions as func

app = df.DFApp(http_auth_level=func.AuthLevel.FUNCTION)
ticks: list[dict] = []
calls: list[str] = []


def _told(req, **more):
    seen = {
        "method": req.method,
        "url": req.url,
        "params": dict(req.params),
        "route": dict(req.route_params),
        "headers": dict(req.headers),
        "body": req.get_body().decode("latin-1"),
        **more,
    }
    return func.HttpResponse(json.dumps(seen), mimetype="application/json")


@app.route(route="things/{id}", methods=["GET"])
def b_thing(req: func.HttpRequest):
    return _told(req, function="b_thing")


@app.route(route="things/special", methods=["GET"])
def c_special(req: func.HttpRequest):
    return _told(req, function="c_special")


@app.route(route="people/all", methods=["GET"])
def d_all(req: func.HttpRequest):
    return _told(req, function="d_all")


@app.route(route="people/{id:int}", methods=["GET"])
def e_person(req: func.HttpRequest):
    return _told(req, function="e_person")


@app.route(route="people/{id:int}", methods=["PUT"])
async def f_put_person(req: func.HttpRequest):
    return _told(req, function="f_put_person")


@app.route(route="ui/{*path}", methods=["GET"])
def g_pages(req: func.HttpRequest):
    return _told(req, function="g_pages")


@app.route(route="maybe/{x?}")
def h_maybe(req: func.HttpRequest):
    return _told(req, function="h_maybe")


@app.route(route="admin/own", methods=["GET"])
def i_admin(req: func.HttpRequest):
    return _told(req)


@app.route(route="open", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
def j_open(req: func.HttpRequest, context):
    return _told(req, invocation=context.invocation_id, name=context.function_name)


@app.route(methods=["GET"])
def by_its_name(req: func.HttpRequest):
    return "plain"


@app.route(route="answers/{kind}", methods=["GET"])
def k_answers(req: func.HttpRequest):
    if req.route_params["kind"] == "boom":
        raise RuntimeError("boom")
    if req.route_params["kind"] == "cookies":
        answer = func.HttpResponse("<p>", status_code=201, mimetype="text/html")
        answer.headers.add("Set-Cookie", "a=1; Path=/")
        answer.headers.add("Set-Cookie", "b=2; Path=/")
        return answer
    return {"none": None, "dict": {"a": 1}, "int": 5}[req.route_params["kind"]]


@app.route(route="start/{name}", methods=["POST"])
@app.durable_client_input(client_name="client")
async def l_start(req: func.HttpRequest, client):
    body = req.get_body()
    identity = await client.start_new(
        req.route_params["name"], req.params.get("id"), json.loads(body) if body else None, req.params.get("v")
    )
    return client.create_check_status_response(req, identity)


@app.route(route="client/{operation}/{id}", methods=["POST"])
@app.durable_client_input(client_name="client")
async def m_client(req: func.HttpRequest, client):
    arguments = json.loads(req.get_body() or b"[]")
    try:
        done = await getattr(client, req.route_params["operation"])(req.route_params["id"], *arguments)
    except Exception as error:
        return func.HttpResponse(json.dumps({"error": str(error)}))
    return func.HttpResponse(
        json.dumps({"ok": done if isinstance(done, dict | str | None) else vars(done)}, default=str)
    )


@app.timer_trigger(schedule="0 0 3 * * *", arg_name="timer")
def nightly(timer: func.TimerRequest):
    ticks.append({"past_due": timer.past_due, "status": timer.schedule_status, "schedule": timer.schedule})


@app.timer_trigger(schedule="* * * * * L", arg_name="timer")
def never(timer: func.TimerRequest):
    ticks.append({})


@app.orchestration_trigger(context_name="context")
def hello(context):
    first = yield context.call_activity("echo", {"k": "å"})
    return [first, context.get_input()]


@app.orchestration_trigger(context_name="context", orchestration="Named")
def other_python_name(context):
    return (yield context.call_activity("ECHO", 1))


@app.orchestration_trigger(context_name="context")
def wait(context):
    context.set_custom_status({"waits": True})
    timer = context.create_timer(context.current_utc_datetime + timedelta(hours=6))
    event = context.wait_for_external_event("go")
    winner = yield context.task_any([event, timer])
    if winner == timer:
        return "late"
    timer.cancel()
    return event.result


@app.orchestration_trigger(context_name="context")
def one_activity(context):
    name, value = context.get_input()["call"]
    try:
        return (yield context.call_activity(name, value))
    except Exception as error:
        return "caught: " + str(error).partition(" \n")[0]


@app.orchestration_trigger(context_name="context")
def fan(context):
    calls = [context.call_activity(name, value) for name, value in context.get_input()["calls"]]
    found = []
    with suppress(Exception):
        yield context.task_all(calls)
    for call in calls:
        try:
            found.append((yield call))
        except Exception as error:
            found.append(str(error).partition(" \n")[0])
    return found


@app.orchestration_trigger(context_name="context")
def entity(context):
    return (yield context.call_entity(df.EntityId("counter", "one"), "add", 1))


@app.orchestration_trigger(context_name="context")
def fails(context):
    yield context.call_activity("echo", 1)
    raise ValueError("on purpose")


@app.orchestration_trigger(context_name="context")
def version(context):
    return context.version
    yield


@app.activity_trigger(input_name="value")
def echo(value):
    return value


@app.activity_trigger(input_name="value")
async def nap(value):
    calls.append(f"begin {value[0]}")
    await asyncio.sleep(value[1])
    calls.append(f"end {value[0]}")
    return value[0]


@app.activity_trigger(input_name="value")
def sleep_in_thread(value):
    time.sleep(value)
    return "slept"


@app.activity_trigger(input_name="value")
def unserialisable(value):
    return object()


@app.activity_trigger(input_name="value")
def setting(value):
    return os.environ.get(value)
