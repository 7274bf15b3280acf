"""The function app whose answers were recorded, written from its description."""

import json
import time

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
RARELY = "0 0 0 1 1 *"


@app.route("hello")
def hello(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("hello")


@app.route("getonly", methods=["GET"])
async def getonly(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("getonly")


@app.route("postonly", methods=["POST"])
async def postonly(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("postonly")


@app.route()
async def noroute(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("noroute")


@app.route("item/{id:int}/{name?}")
async def item(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(json.dumps(dict(req.route_params)))


@app.route("sect/{*rest}")
async def rest(req: func.HttpRequest) -> func.HttpResponse:
    answer = {"rest": req.route_params.get("rest"), "url": req.url}
    return func.HttpResponse(json.dumps(answer))


@app.route("fkey", auth_level=func.AuthLevel.FUNCTION)
async def fkey(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("function level")


@app.route("akey", auth_level=func.AuthLevel.ADMIN)
async def akey(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("admin level")


@app.route("raise")
async def raises(req: func.HttpRequest) -> func.HttpResponse:
    raise ValueError("as it should")


@app.route("none")
async def ret_none(req: func.HttpRequest):  # type: ignore[no-untyped-def]
    return None


@app.route("str")
async def ret_str(req: func.HttpRequest) -> str:
    return "a string é"


@app.route("dict")
async def ret_dict(req: func.HttpRequest):  # type: ignore[no-untyped-def]
    return {"a": 1}


@app.route("bytes")
async def ret_bytes(req: func.HttpRequest):  # type: ignore[no-untyped-def]
    return b"bytes"


@app.route("int")
async def ret_int(req: func.HttpRequest):  # type: ignore[no-untyped-def]
    return 5


@app.route("resp202")
async def resp202(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(
        b"\x00\xff\x01bytes",
        status_code=202,
        mimetype="application/octet-stream",
        headers={
            "X-One": "1",
            "X-Two": "2",
            "ETag": '"abc"',
            "Cache-Control": "no-store",
        },
    )


@app.route("empty")
async def empty(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(status_code=int(req.params.get("s", "204")))


@app.route("status")
async def status(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("body", status_code=int(req.params["s"]))


@app.route("redir")
async def redir(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(status_code=302, headers={"Location": "/api/hello"})


@app.route("cookies")
async def cookies(req: func.HttpRequest) -> func.HttpResponse:
    response = func.HttpResponse("c")
    response.headers.add("Set-Cookie", "a=b; Path=/; Max-Age=60")
    response.headers.add("Set-Cookie", "c=d; HttpOnly; Secure; SameSite=None")
    return response


@app.route("badheader")
async def badheader(req: func.HttpRequest) -> func.HttpResponse:
    headers = {
        "Content-Length": "999",
        "Transfer-Encoding": "chunked",
        "Connection": "close",
        "X-Int": "5",
    }
    return func.HttpResponse("short", headers=headers)


@app.route("json")
async def json_answer(req: func.HttpRequest) -> func.HttpResponse:
    body = json.dumps({"k": "é"}, ensure_ascii=False)
    return func.HttpResponse(body, mimetype="application/json", charset="utf-8")


@app.route("dump")
async def dump(req: func.HttpRequest) -> func.HttpResponse:
    body = req.get_body()
    seen = {
        "method": req.method,
        "params": dict(req.params),
        "len": len(body),
        "body": body[:200].decode("latin-1"),
        "headers": {k: v for k, v in req.headers.items() if k != "host"},
    }
    return func.HttpResponse(json.dumps(seen), mimetype="application/json")


@app.timer_trigger("timer", RARELY)
async def minutely(timer: func.TimerRequest) -> None:
    print(f"minutely past_due={timer.past_due} at {time.time():.3f}")  # noqa: T201


@app.timer_trigger("timer", RARELY, use_monitor=False)
async def nomonitor(timer: func.TimerRequest) -> None:
    return None


@app.timer_trigger("timer", RARELY)
async def failing(timer: func.TimerRequest) -> None:
    raise ValueError("as it should")
