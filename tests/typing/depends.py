"""Dependencies, as type checkers see them. Checked, never run; a line with ignores has to be an error of that kind."""

# pyright: reportUnnecessaryTypeIgnoreComment=true

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Annotated, Any, assert_type

from hubstream import Depends, Hub, HubCallerContext, HubServer, Request, User


class Session:
    def get(self, key: str) -> int:
        return len(key)


def settings() -> str:
    return ""


async def session(settings: Annotated[str, Depends(settings)]) -> AsyncIterator[Session]:
    yield Session()


def tenant(request: Request, context: HubCallerContext, user: User | None = None) -> Iterator[str]:
    yield request.headers.get("x-tenant", context.connection_id)


Db = Annotated[Session, Depends(session)]
Tenant = Annotated[str, Depends(tenant, use_cache=False)]


class Orders(Hub):
    async def count(self, name: str, db: Db, tenant: Tenant) -> int:
        assert_type(db, Session)
        assert_type(tenant, str)
        db.add(name)  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
        return db.get(name)

    async def watch(self, db: Db) -> AsyncIterator[int]:
        yield db.get("")


async def called_by_hand(orders: Orders) -> None:
    assert_type(await orders.count("name", Session(), "tenant"), int)
    await orders.count("name")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def markers(hubs: HubServer) -> None:
    marker = Depends(Session)
    assert_type(marker.dependency, Callable[..., Any])
    assert_type(marker.use_cache, bool)
    marker.use_cache = False  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    Depends()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Depends(5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Depends(session, False)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    hubs.dependency_overrides[session] = Session
    hubs.dependency_overrides[settings] = lambda: "test"
    hubs.dependency_overrides["settings"] = settings  # type: ignore[index]  # pyright: ignore[reportArgumentType]
    hubs.dependency_overrides[settings] = "test"  # type: ignore[assignment]  # pyright: ignore[reportArgumentType]
