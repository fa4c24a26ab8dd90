"""What stands around hub methods, as type checkers see it. Checked, never run; a line with ignores has to be an error."""

# pyright: reportUnnecessaryTypeIgnoreComment=true

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Any, assert_type

from hubstream import (
    Depends,
    EndReason,
    Hub,
    HubCallerContext,
    HubDescription,
    HubEvent,
    HubFilter,
    HubInvocationContext,
    HubServer,
    MethodDescription,
    Notice,
    Observer,
    Request,
    User,
    authorize,
    hub_method,
)


async def database() -> AsyncIterator[int]:
    yield 1


def is_owner(user: User) -> bool:
    return "owner" in user.roles


async def may_look(user: User) -> bool:
    return user.id == "ann"


@authorize
class Orders(Hub):
    @authorize(role="admin")
    async def everything(self, db: Annotated[int, Depends(database)]) -> int:
        assert_type(self.context.user, User | None)
        return db

    @authorize(policy=is_owner)
    @authorize(policy=may_look)
    async def count(self, upto: int) -> AsyncIterator[int]:
        yield upto

    @authorize(role=["admin", "clerk"])
    @hub_method(thread=True)
    def export(self, year: int) -> Iterator[bytes]:
        yield b""

    @authorize(role=1)  # type: ignore[call-overload, untyped-decorator]  # pyright: ignore[reportArgumentType]
    async def of_a_number(self) -> None: ...

    @hub_method(thread="yes")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    def in_a_word(self) -> None: ...


async def decorated_methods_stay_what_they_are(orders: Orders) -> None:
    assert_type(await orders.everything(1), int)
    assert_type(orders.count(1), AsyncIterator[int])
    assert_type(orders.export(2026), Iterator[bytes])
    await orders.everything("db")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


Next = Callable[[HubInvocationContext], Awaitable[Any]]


class Whole(HubFilter):
    async def on_call(self, call: HubInvocationContext, next: Next) -> Any:
        assert_type(call.context, HubCallerContext)
        assert_type(call.method, MethodDescription)
        assert_type(call.arguments, tuple[Any, ...])
        assert_type(call.replace(1, 2), HubInvocationContext)
        call.arguments = ()  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
        return await next(call)

    async def on_stream(self, call: HubInvocationContext, items: AsyncIterator[Any]) -> AsyncIterator[Any]:
        async for item in items:
            yield item

    async def on_connected(self, context: HubCallerContext, next: Callable[[], Awaitable[None]]) -> None:
        await next()

    async def on_disconnected(
        self, context: HubCallerContext, error: Exception | None, next: Callable[[Exception | None], Awaitable[None]]
    ) -> None:
        await next(error)


class Wrong(HubFilter):
    async def on_call(self, call: HubInvocationContext) -> Any: ...  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]


class Watches(Observer):
    def connection_ended(
        self, context: HubCallerContext, reason: EndReason, error: BaseException | None, seconds: float
    ) -> None:
        assert_type(context.hub, type[Hub[Any]])
        assert_type((reason.label, reason.status, reason.allow_reconnect), tuple[str, str, bool])

    @contextmanager
    def call(self, call: HubInvocationContext) -> Generator[None]:
        assert_type(call.headers, Mapping[str, str])
        yield

    def noticed(self, notice: Notice) -> None:
        assert_type(notice.event, HubEvent)
        assert_type(notice.context, HubCallerContext | None)
        notice.detail = ""  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]


class Blind(Observer):
    def connection_opened(self) -> None: ...  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
    async def noticed(self, notice: Notice) -> None: ...  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]


async def from_request(request: Request) -> User | None:
    assert_type(request.token, str | None)
    return User("ann", roles=["admin"], claims={"tenant": 7}, expires=1.5) if request.token else None


def at_once(request: Request) -> User | None:
    return None


def servers() -> None:
    hubs = HubServer({"/orders": Orders}, filters=[Whole()], authenticate=from_request)
    hubs.map("/more", Orders, authenticate=at_once, filters=[])
    hubs.dependency_overrides[database] = lambda: 2
    (description,) = hubs.describe()
    assert_type(description, HubDescription)
    assert_type(description.methods, tuple[MethodDescription, ...])
    HubServer(observers=[Watches()]).map("/orders", Orders, observers=(Watches(),))
    HubServer(observers=[Watches])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    HubServer(filters=[Whole])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    HubServer(authenticate=len)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Depends()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    User()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    User(7)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
