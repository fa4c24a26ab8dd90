"""`authorize` and `authenticate=`, as type checkers see them. Checked, never run; a line with ignores has to be an error."""

# pyright: reportUnnecessaryTypeIgnoreComment=true

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import assert_type

from hubstream import Hub, HubServer, Request, User, authorize


def owner(user: User) -> bool:
    return "owner" in user.roles


async def paid(user: User) -> bool:
    return bool(user.claims["paid"])


def wrong(user: str) -> bool:
    return bool(user)


@authorize
class Orders(Hub):
    @authorize
    async def mine(self, first: int) -> list[str]:
        user = self.context.user
        assert_type(user, User | None)
        self.context.user = user  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
        return [user.id]  # type: ignore[union-attr]  # pyright: ignore[reportOptionalMemberAccess]

    @authorize(role="admin")
    async def every(self) -> AsyncIterator[str]:
        yield ""

    @authorize(role=["admin", "clerk"])
    def some(self, number: int) -> str:
        return str(number)

    @authorize(policy=owner)
    def owned(self) -> int:
        return 1

    @authorize(policy=paid, role="owner")
    async def paid(self, upload: AsyncIterator[int]) -> int:
        return sum([n async for n in upload])

    @authorize(policy=lambda user: user.claims["level"] > 5)
    def high(self) -> int:
        return 1

    @authorize(policy=wrong)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    def refused(self) -> None: ...

    @authorize("admin")  # type: ignore[call-overload, untyped-decorator]  # pyright: ignore[reportArgumentType, reportUntypedFunctionDecorator]
    def no_role(self) -> None: ...


async def methods_stay_what_they_are(hub: Orders) -> None:
    assert_type(await hub.mine(first=1), list[str])
    assert_type(hub.every(), AsyncIterator[str])
    assert_type(hub.some(1), str)
    assert_type(hub.high(), int)
    hub.some("a")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await hub.mine()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


@authorize(role="admin")
class Admins(Orders): ...


async def later(request: Request) -> User | None:
    return User(request.token, expires=datetime.now(UTC)) if request.token else None


def at_once(request: Request) -> User | None:
    assert_type(request.user, User | None)
    return User("ann", roles=["admin"], claims={"tenant": 7}, expires=1.5)


def no_user(request: Request) -> str:
    return request.path


def servers() -> None:
    server = HubServer({"/orders": Orders, "/admins": Admins}, authenticate=later)
    server.map("/more", Orders, authenticate=at_once)
    server.map("/framework", Orders, authenticate=None)
    server.map("/wrong", Orders, authenticate=no_user)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    User("ann").id = "bob"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
