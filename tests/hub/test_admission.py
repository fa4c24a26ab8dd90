"""Who may come to a hub at all: `authenticate=` and `@authorize` on the class, asked about every request (spec 1.5, 10.5)."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from starlette.exceptions import HTTPException

from hubstream import Hub, HubServer, Request, User, authorize
from hubstream.types import Message
from tests.transports.asgi.driven import CONNECT, Server, scope
from tests.transports.asgi.exchange import body

LIMIT = 5.0
CHALLENGE = (b"www-authenticate", b"Bearer")


def authenticate(request: Request) -> User | None:
    """The token is the id, and behind a colon the role."""
    if request.token is None:
        return None
    name, _, role = request.token.partition(":")
    return User(name, roles=[role] if role else ())


class Open(Hub):
    def who(self) -> list[Any]:
        context = self.context
        return [context.user_id, sorted(context.user.roles) if context.user else None]


@authorize(role="admin")
class Admins(Open):
    pass


Sent = list[Message]

REQUESTS: dict[str, tuple[str, str, str]] = {
    "negotiate": ("http", "/negotiate", "POST"),
    "negotiate with another method": ("http", "/negotiate", "GET"),
    "WebSocket": ("websocket", "", ""),
    "WebSocket at negotiate": ("websocket", "/negotiate", ""),
    "event stream": ("http", "", "GET"),
    "poll": ("http", "", "GET"),
    "POST": ("http", "", "POST"),
    "DELETE": ("http", "", "DELETE"),
    "OPTIONS": ("http", "", "OPTIONS"),
}
"""Kind, what follows the hub's path, method."""


async def ask(hubs: HubServer, what: str, query: str = "", **headers: str) -> Sent:
    """All that a request is answered with; one that would last ends with its client's going."""
    kind, below, method = REQUESTS[what]
    if what == "event stream":
        headers["accept"] = "text/event-stream"
    made = scope(kind, f"/hub{below}", query, method, **headers)
    server = Server(CONNECT if kind == "websocket" else body())
    server.gives({"type": "websocket.disconnect", "code": 1006} if kind == "websocket" else {"type": "http.disconnect"})
    async with asyncio.timeout(LIMIT):
        await hubs(made, server.receive, server.send)
    return server.sent


def status(sent: Sent) -> int:
    """101 for a WebSocket that was accepted."""
    return 101 if sent[0]["type"] == "websocket.accept" else sent[0]["status"]


async def negotiated(hubs: HubServer, **headers: str) -> str:
    sent = await ask(hubs, "negotiate", "negotiateVersion=1", **headers)
    token: str = json.loads(sent[1]["body"])["connectionToken"]
    return token


@pytest.mark.parametrize("what", REQUESTS)
@pytest.mark.parametrize(
    ("headers", "refused"),
    [({}, 401), ({"authorization": "Bearer ann"}, 403), ({"authorization": "Bearer ann:clerk"}, 403)],
)
async def test_every_request_is_refused(what: str, headers: dict[str, str], refused: int) -> None:
    hubs = HubServer({"/hub": Admins}, authenticate=authenticate)
    sent = await ask(hubs, what, "id=unknown", **headers)
    prefix = "websocket.http" if REQUESTS[what][0] == "websocket" else "http"
    assert [message["type"] for message in sent] == [f"{prefix}.response.start", f"{prefix}.response.body"]
    assert sent[0]["status"] == refused
    assert sent[0]["headers"] == [(b"content-length", b"0"), *([CHALLENGE] if refused == 401 else [])]
    assert sent[1]["body"] == b""
    assert hubs.snapshot()["records"] == 0


@pytest.mark.parametrize("where", ["header", "query"])
@pytest.mark.parametrize("what", ["WebSocket", "event stream", "poll", "POST", "DELETE"])
async def test_and_lets_in_who_may(what: str, where: str) -> None:
    hubs = HubServer({"/hub": Admins}, authenticate=authenticate)
    token = await negotiated(hubs, authorization="Bearer ann:admin")
    headers: dict[str, str] = {}
    query = f"id={token}"
    if where == "header":
        headers["authorization"] = "bearer ann:admin"
    else:
        query += "&access_token=ann%3Aadmin"
    expected = {"WebSocket": 101, "DELETE": 400}.get(what, 200)  # 400: it is no long polling connection yet
    assert status(await ask(hubs, what, query, **headers)) == expected
    await hubs.aclose()


async def test_a_websocket_without_the_extension_is_closed_before_it_is_accepted() -> None:
    hubs = HubServer({"/hub": Admins}, authenticate=authenticate)
    made: dict[str, Any] = {**scope("websocket", "/hub"), "extensions": {}}
    server = Server(CONNECT)
    await hubs(made, server.receive, server.send)
    assert server.types == ["close"]


@pytest.mark.parametrize("what", ["WebSocket", "event stream", "poll"])
@pytest.mark.parametrize(
    ("negotiation", "attach"),
    [("ann", "bob"), ("ann", None), (None, "ann"), ("ann", "ANN")],
)
async def test_nobody_attaches_to_a_connection_of_another(
    what: str, negotiation: str | None, attach: str | None
) -> None:
    hubs = HubServer({"/hub": Open}, authenticate=authenticate)
    token = await negotiated(hubs, **bearer(negotiation))
    sent = await ask(hubs, what, f"id={token}", **bearer(attach))
    assert status(sent) == 403
    assert sent[1]["body"] == b"The connection is another user's."
    assert status(await ask(hubs, what, f"id={token}", **bearer(negotiation))) in {101, 200}, "it is still there"
    await hubs.aclose()


@pytest.mark.parametrize("transport", ["event stream", "poll"])
async def test_nor_posts_to_polls_or_ends_one(transport: str, caplog: pytest.LogCaptureFixture) -> None:
    hubs = HubServer({"/hub": Open}, authenticate=authenticate)
    token = await negotiated(hubs, **bearer("ann"))
    if transport == "poll":
        assert status(await ask(hubs, "poll", f"id={token}", **bearer("ann"))) == 200
    for what in ("POST", "DELETE", "poll", "event stream"):
        for thief in ("bob", None):
            assert status(await ask(hubs, what, f"id={token}", **bearer(thief))) == 403
    assert status(await ask(hubs, "POST", f"id={token}", **bearer("ann"))) == 200
    assert [record.message.partition(":")[0] for record in caplog.records if record.levelno == logging.WARNING] == [
        "a request was refused with 403"
    ]
    assert token not in caplog.text
    await hubs.aclose()


async def test_a_stolen_token_of_another_worker() -> None:
    secret = b"a secret of at least 16 bytes"
    one, other = (HubServer({"/hub": Open}, authenticate=authenticate, secret=secret) for _ in range(2))
    for owner, thief in (("ann", "bob"), ("ann", None), (None, "bob")):
        token = await negotiated(one, **bearer(owner))
        assert status(await ask(other, "WebSocket", f"id={token}", **bearer(thief))) == 404, (
            "it is signed for its owner"
        )
        assert status(await ask(other, "WebSocket", f"id={token}", **bearer(owner))) == 101


def bearer(name: str | None) -> dict[str, str]:
    return {} if name is None else {"authorization": f"Bearer {name}"}


# -- what authenticate= may do


async def later(request: Request) -> User | None:
    await asyncio.sleep(0)
    return authenticate(request)


def refuses(request: Request) -> User | None:
    raise HTTPException(401, "not you")


def forbids(request: Request) -> User | None:
    raise HTTPException(403)


def breaks(request: Request) -> User | None:
    raise LookupError("the secret of the database")


def other_status(request: Request) -> User | None:
    raise HTTPException(418)


class Odd(Exception):
    status_code: Any = [401]  # noqa: RUF012 - nobody changes it


class Hostile(Exception):
    @property
    def status_code(self) -> int:
        raise LookupError


class Upstream(Exception):
    """As clients of web services raise it, when the key of this server is refused there."""

    status_code = 401


def odd(request: Request) -> User | None:
    raise Odd


def hostile(request: Request) -> User | None:
    raise Hostile


def upstream(request: Request) -> User | None:
    raise Upstream


async def hangs(request: Request) -> User | None:
    await asyncio.Event().wait()
    return None


async def cancels_itself(request: Request) -> User | None:
    raise asyncio.CancelledError


def no_user(request: Request) -> Any:
    return {"sub": "ann", "key": "a secret"}


def nobody(request: Request) -> User | None:
    return None


def expired(request: Request) -> User | None:
    return User("ann", roles=["admin"], expires=time.time() - 1)


def expired_date(request: Request) -> User | None:
    return User("ann", roles=["admin"], expires=datetime.now(UTC) - timedelta(seconds=1))


@pytest.mark.parametrize(
    ("function", "hub", "expected", "logged"),
    [
        (later, Open, 200, None),
        (later, Admins, 200, None),
        (refuses, Open, 401, None),
        (forbids, Open, 403, None),
        (breaks, Open, 500, "LookupError"),
        (other_status, Open, 500, "HTTPException"),
        (odd, Open, 500, "Odd"),
        (hostile, Open, 500, "Hostile"),
        (upstream, Open, 500, "Upstream"),
        (hangs, Open, 500, "TimeoutError"),
        (cancels_itself, Open, 500, "CancelledError"),
        (no_user, Open, 500, "TypeError"),
        (expired, Open, 200, None),
        (expired, Admins, 401, None),
        (expired_date, Admins, 401, None),
    ],
)
@pytest.mark.parametrize("what", ["negotiate", "WebSocket"])
async def test_what_authenticate_gives_or_raises(
    what: str,
    function: Any,
    hub: type[Hub],
    expected: int,
    logged: str | None,
    caplog: pytest.LogCaptureFixture,
) -> None:
    hubs = HubServer({"/hub": hub}, authenticate=function, handshake_timeout=0.05)
    sent = await ask(hubs, what, "negotiateVersion=1" if what == "negotiate" else "", authorization="Bearer ann:admin")
    assert status(sent) == (101 if what == "WebSocket" and expected == 200 else expected)
    assert b"secret" not in b"".join(message.get("body", b"") for message in sent)
    if function is no_user:
        assert "secret" not in caplog.text
    errors = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert [record.exc_info[0].__name__ for record in errors if record.exc_info and record.exc_info[0]] == (
        [] if logged is None else [logged]
    )


async def test_a_policy_of_a_hub_that_fails_is_an_error_and_lets_nobody_in() -> None:
    def raises(user: User) -> bool:
        raise LookupError

    async def raises_later(user: User) -> bool:
        raise LookupError

    for policy in (raises, raises_later):
        hub = authorize(policy=policy)(type("Broken", (Open,), {}))
        hubs = HubServer({"/hub": hub}, authenticate=authenticate)
        assert status(await ask(hubs, "negotiate", **bearer("ann"))) == 500
        assert status(await ask(hubs, "negotiate")) == 401


async def test_a_policy_of_a_hub_may_await() -> None:
    async def short(user: User) -> bool:
        await asyncio.sleep(0)
        return len(user.id) < 4

    hub = authorize(policy=short)(type("Short", (Open,), {}))
    hubs = HubServer({"/hub": hub}, authenticate=authenticate)
    assert [status(await ask(hubs, "negotiate", **bearer(name))) for name in ("ann", "anna")] == [200, 403]


async def test_hubs_of_one_server_have_their_own_rules() -> None:
    hubs = HubServer({"/hub": Open})
    hubs.map("/admins", Admins, authenticate=authenticate)
    assert status(await ask(hubs, "negotiate")) == 200
    made = scope("http", "/admins/negotiate", "", "POST")
    server = Server(body())
    await hubs(made, server.receive, server.send)
    assert server.sent[0]["status"] == 401


async def test_it_is_cancelled_with_its_request() -> None:
    begun = asyncio.Event()

    async def waits(request: Request) -> User | None:
        begun.set()
        await asyncio.Event().wait()
        return None

    asking = asyncio.create_task(ask(HubServer({"/hub": Open}, authenticate=waits), "negotiate"))
    await begun.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking


@pytest.mark.parametrize("wrong", ["ann", 1, User("ann")])
def test_authenticate_is_a_function(wrong: Any) -> None:
    with pytest.raises(TypeError, match="authenticate is a function of the request"):
        HubServer({"/hub": Open}, authenticate=wrong)


# -- what is logged

NO_USER = "with 401: authenticate= gave no user for its token, or one whose login is over"


@pytest.mark.parametrize(
    ("function", "token", "logged"),
    [
        (authenticate, None, "with 401: it has no token, and authenticate= gave no user"),
        (nobody, "a secret", NO_USER),
        (expired, "a secret", NO_USER),
        (None, "a secret", "with 401: there is no authenticate=, and no middleware has left a user"),
        (authenticate, "ann:clerk", "with 403: its user may not"),
        (refuses, "a secret", "with 401: HTTPException was raised"),
        (forbids, "a secret", "with 403: HTTPException was raised"),
    ],
)
async def test_the_log_says_why(
    function: Any, token: str | None, logged: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "hubstream.hub")
    await ask(HubServer({"/hub": Admins}, authenticate=function), "negotiate", **bearer(token))
    assert caplog.messages == [f"a request was refused at /hub, {logged}"]
