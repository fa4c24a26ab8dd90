"""Who connects, with what request, and what stands in for the hub's dependencies."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Annotated, Any

import pytest

from hubstream import Depends, Hub, HubError, HubServer, NegotiateError, Request, User, authorize
from hubstream.testing import JumpingLoop, connect

ADMIN = User("ann", roles=["admin"], claims={"tenant": 7})


class Desk(Hub):
    async def who(self) -> list[Any]:
        user = self.context.user
        return [] if user is None else [self.context.user_id, sorted(user.roles), dict(user.claims)]

    async def request(self) -> dict[str, Any]:
        request = self.context.request
        return {
            "path": request.path,
            "headers": {name: request.headers[name] for name in request.headers},
            "query": dict(request.query),
            "token": request.token,
            "cookies": dict(request.cookies),
            "client": request.client,
        }

    @authorize(role="admin")
    async def erase(self) -> str:
        return "erased"

    async def tell(self, user: str) -> None:
        await self.clients.user(user).send("Told")


@authorize(role="admin")
class Office(Desk):
    pass


async def by_token(request: Request) -> User | None:
    if request.token == "broken":
        raise ValueError(request.token)
    return {"admin": ADMIN, "guest": User("gus")}.get(request.token or "")


@pytest.fixture
def hubs() -> HubServer:
    return HubServer({"/desk": Desk, "/office": Office})


@pytest.fixture
def guarded() -> HubServer:
    return HubServer({"/desk": Desk, "/office": Office}, authenticate=by_token)


USERS: dict[str, tuple[User | str | None, list[Any]]] = {
    "nobody": (None, []),
    "an id": ("ann", ["ann", [], {}]),
    "a user": (ADMIN, ["ann", ["admin"], {"tenant": 7}]),
}


@pytest.mark.parametrize("case", USERS)
async def test_a_user(hubs: HubServer, case: str) -> None:
    user, who = USERS[case]
    async with connect(hubs, "/desk", user=user) as connection:
        assert await connection.invoke("who") == who
        if user is ADMIN:
            assert await connection.invoke("erase") == "erased"
        else:
            with pytest.raises(HubError, match="Failed to invoke 'erase' because user is unauthorized"):
                await connection.invoke("erase")


@pytest.mark.parametrize(
    ("path", "user", "token", "status"),
    [
        ("/desk", None, None, None),
        ("/desk", None, "guest", None),
        ("/desk", None, "broken", 500),
        ("/desk", "ann", "broken", None),
        ("/office", None, None, 401),
        ("/office", None, "guest", 403),
        ("/office", None, "admin", None),
        ("/office", "ann", "admin", 403),
        ("/office", ADMIN, None, None),
    ],
)
async def test_who_is_let_in(
    guarded: HubServer, path: str, user: User | str | None, token: str | None, status: int | None
) -> None:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    if status is None:
        async with connect(guarded, path, user=user, headers=headers) as connection:
            name = getattr(user, "id", user) or {"guest": "gus", "admin": "ann"}.get(token or "")
            assert (await connection.invoke("who"))[:1] == ([name] if name else [])
    else:
        with pytest.raises(NegotiateError, match=f"Unexpected status code returned from negotiate '{status}'"):
            async with connect(guarded, path, user=user, headers=headers):
                pass
    assert not any(guarded.snapshot().values())


async def test_the_request(hubs: HubServer) -> None:
    headers = {"X-Tenant": "Zürich", "Cookie": 'a=1; b="two"', "authorization": "Bearer secret"}
    async with connect(hubs, Desk, headers=headers, query={"room": "a b&c=ü"}) as connection:
        assert await connection.invoke("request") == {
            "path": "/desk",
            "headers": {"x-tenant": "Zürich", "cookie": 'a=1; b="two"', "authorization": "Bearer secret"},
            "query": {"room": "a b&c=ü"},
            "token": "secret",
            "cookies": {"a": "1", "b": "two"},
            "client": ["testclient", 50_000],
        }
    async with connect(hubs, "office", user=ADMIN, query={"access_token": "t"}) as connection:
        seen = await connection.invoke("request")
        assert (seen["path"], seen["headers"], seen["token"]) == ("/office", {}, "t")


async def test_all_connections_of_a_user(hubs: HubServer) -> None:
    async with (
        connect(hubs, Desk, user="ann") as one,
        connect(hubs, Desk, user="ann") as two,
        connect(hubs, Desk, user="bob") as bob,
    ):
        await bob.invoke("tell", "ann")
        assert await one.expect("Told") == await two.expect("Told") == ()
        assert bob.unexpected == []


def test_a_login_that_ends() -> None:
    async def test() -> None:
        hubs = HubServer({"/desk": Desk})
        async with connect(hubs, Desk, user=User("ann", expires=time.time() + 3600)) as connection:
            await asyncio.sleep(3500)
            assert await connection.invoke("who") == ["ann", [], {}]
            await asyncio.sleep(200)
            assert connection.ending is not None
            assert connection.ending.reconnect

    with asyncio.Runner(loop_factory=JumpingLoop) as runner:
        runner.run(test())


closed: list[str] = []


async def get_db() -> AsyncIterator[str]:
    yield "the database"
    closed.append("the database")


def get_clock() -> str:
    return "the clock"


async def get_fake() -> AsyncIterator[str]:
    yield "a fake"
    closed.append("a fake")


class Shelf(Hub):
    async def what(
        self, db: Annotated[str, Depends(get_db)], clock: Annotated[str, Depends(get_clock)]
    ) -> tuple[str, str]:
        return db, clock

    async def stream(self, db: Annotated[str, Depends(get_db)]) -> AsyncIterator[str]:
        yield db


async def test_overrides_hold_until_the_end_of_the_block() -> None:
    closed.clear()
    hubs = HubServer({"/shelf": Shelf})
    hubs.dependency_overrides[get_clock] = lambda: "a clock"
    async with connect(hubs, Shelf, overrides={get_db: get_fake, get_clock: lambda: "another"}) as connection:
        assert await connection.invoke("what") == ["a fake", "another"]
        assert [item async for item in connection.stream("stream")] == ["a fake"]
        async with connect(hubs, Shelf, overrides={get_db: lambda: "one more"}) as other:
            assert await other.invoke("what") == ["one more", "another"]
        assert await connection.invoke("what") == ["a fake", "another"]
    assert closed == ["a fake"] * 3
    async with connect(hubs, Shelf) as connection:
        assert await connection.invoke("what") == ["the database", "a clock"]
    assert list(hubs.dependency_overrides) == [get_clock]


async def test_overrides_are_gone_when_nobody_is_let_in() -> None:
    hubs = HubServer({"/office": Office})
    with pytest.raises(NegotiateError):
        async with connect(hubs, Office, overrides={get_db: get_fake}):
            pass
    assert hubs.dependency_overrides == {}
