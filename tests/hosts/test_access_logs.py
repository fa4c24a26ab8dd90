"""No token is in what the servers write of requests, whatever they are told to write; without the filter all of them are."""

from __future__ import annotations

from contextlib import ExitStack

import aiohttp
import pytest

from tests.hosts.processes import free_port, serving

APP = "tests.hosts.tokens:app"
SECRET = "eyJhbGciOiJIUzI1NiJ9.e30.secret"
HANDSHAKE = b'{"protocol":"json","version":1}\x1e'
LIMIT = 20.0

HOSTS = {
    "uvicorn": ["uvicorn", "--port", "0", APP],
    "uvicorn wsproto h11": ["uvicorn", "--port", "0", "--ws", "wsproto", "--http", "h11", APP],
    "gunicorn uvicorn-worker": [
        *(
            "gunicorn",
            "--bind",
            "127.0.0.1:0",
            "--worker-class",
            "uvicorn_worker.UvicornWorker",
            "--access-logfile",
            "-",
        ),
        APP,
    ],
    "gunicorn asgi": [
        *("gunicorn", "--bind", "127.0.0.1:0", "--worker-class", "asgi", "--access-logfile", "-"),
        *("--access-logformat", "%(r)s | %(q)s | %(U)s | %({host}i)s | %(s)s", APP),
    ],
    "hypercorn": [
        *("hypercorn", "--bind", "127.0.0.1:0", "--access-logfile", "-"),
        *("--access-logformat", "%(R)s | %(q)s | %(Uq)s | %({host}i)s | %(s)s", APP),
    ],
    "granian": [
        *("granian", "--interface", "asgi", "--access-log"),
        *("--access-log-fmt", "%(path)s | %(query_string)s | %(status)d", APP),
    ],
}


async def visited(url: str) -> list[str]:
    """Open, poll and post with tokens in the URL; the tokens."""
    secrets = [SECRET]
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(LIMIT)) as session:
        for transport in ("WebSockets", "ServerSentEvents", "LongPolling"):
            negotiation = {"negotiateVersion": "1", "access_token": SECRET}
            async with session.post(f"{url}/clock/negotiate", params=negotiation) as answer:
                token: str = (await answer.json())["connectionToken"]
            secrets.append(token)
            query = {"id": token, "access_token": SECRET}
            if transport == "WebSockets":
                async with session.ws_connect(f"{url}/clock", params=query):
                    pass
                continue
            accept = {"accept": "text/event-stream"} if transport == "ServerSentEvents" else {}
            async with session.get(f"{url}/clock", params=query, headers=accept) as answer:
                assert answer.status == 200
                async with session.post(f"{url}/clock", params=query, data=HANDSHAKE) as posted:
                    assert posted.status == 200
        async with session.get(
            f"{url}/clock", params={"id": "unknown", "access_token": SECRET, "seen": "last"}
        ) as answer:
            assert answer.status == 404
    return secrets


@pytest.mark.parametrize("masked", [True, False], ids=["masked", "unmasked"])
@pytest.mark.parametrize("name", HOSTS)
async def test_the_log_shows_no_token(name: str, masked: bool) -> None:
    command = HOSTS[name]
    with ExitStack() as stack:
        port = 0
        if command[0] == "granian":
            port = stack.enter_context(free_port())
            command = [*command, "--port", str(port)]
        served = stack.enter_context(serving(command, port, env={} if masked else {"UNMASKED": "1"}))
        secrets = await visited(served.url)
        served.wait_for_log("seen=last")
        shown = [secret for secret in secrets if secret in served.log()]
        if masked:
            assert shown == [], served.log()
            assert "id=***&access_token=***" in served.log()
        else:
            assert shown, "this proves nothing: the server writes no URLs"
