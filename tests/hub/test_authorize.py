"""`@authorize`: who may call what, what the others are told, and that nothing slips through (spec 6.3, 6.4, 10.5)."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Annotated, Any

import pytest

from hubstream import Depends, Hub, HubError, HubFilter, HubInvocationContext, HubServer, User, authorize, hub_method
from hubstream.hub.authorize import Guard, Requirement, Unauthorized, guard_of
from tests.hub.wire import call, cancel, done, raw, result, stream, turns

ANN = User("ann", roles=["admin", "staff"], claims={"level": 7})
BOB = User("bob", roles=["staff"])
EVE = User("eve")

REFUSED = "Failed to invoke '{}' because user is unauthorized"


def unexpected(name: str, detail: str = "") -> str:
    return f"An unexpected error occurred invoking '{name}' on the server.{detail}"


def level(user: User) -> int:
    found: int = user.claims.get("level", 0)
    return found


def high(user: User) -> bool:
    return level(user) > 5


async def high_later(user: User) -> bool:
    await asyncio.sleep(0)
    return high(user)


class Rules:
    def __init__(self, level: int) -> None:
        self.level = level

    async def __call__(self, user: User) -> bool:
        return await self.at_least(user)

    async def at_least(self, user: User) -> bool:
        await asyncio.sleep(0)
        return level(user) >= self.level


async def at_least(level: int, user: User) -> bool:
    return await Rules(level)(user)


class Base(Hub):
    @authorize(role="admin")
    def overridden(self) -> str:
        return "base"


class Guarded(Base):
    log: list[str] = []  # noqa: RUF012 - emptied by the fixture

    def free(self) -> str:
        return "free"

    @authorize
    def anyone(self) -> str:
        return "anyone"

    @authorize(role="admin")
    def admin(self) -> str:
        return "admin"

    @authorize(role=["admin", "staff"])
    async def either(self) -> str:
        await asyncio.sleep(0)
        return "either"

    @authorize(role="admin")
    @authorize(role="staff")
    async def both(self) -> str:
        return "both"

    @authorize(policy=high)
    def high(self) -> str:
        return "high"

    @authorize(policy=high_later)
    def later(self) -> str:
        return "later"

    @authorize(policy=Rules(7))
    async def callable_object(self) -> str:
        return "callable_object"

    @authorize(policy=Rules(7).at_least)
    async def bound(self) -> str:
        await asyncio.sleep(0)
        return "bound"

    @authorize(policy=functools.partial(at_least, 7))
    async def partial(self) -> str:
        return "partial"

    @authorize(policy=lambda user: user.claims.get("level", 0) > 5, role="staff")
    def staff_and_high(self) -> str:
        return "staff_and_high"

    @hub_method(name="Pinned")
    @authorize(role="admin")
    def pinned(self) -> str:
        return "Pinned"

    @authorize(role="admin")
    @hub_method(name="PinnedToo")
    def pinned_too(self) -> str:
        return "PinnedToo"

    def overridden(self) -> str:
        return "overridden"

    @authorize(role="admin")
    async def numbers(self) -> AsyncIterator[int]:
        self.log.append("numbers")
        yield 1

    @authorize(policy=high_later)
    async def numbers_later(self) -> AsyncIterator[int]:
        self.log.append("numbers")
        yield 1

    @authorize(role="admin")
    async def total(self, numbers: AsyncIterator[int]) -> int:
        self.log.append("total")
        return sum([n async for n in numbers])

    @authorize(policy=high_later)
    async def total_later(self, numbers: AsyncIterator[int]) -> int:
        self.log.append("total")
        return sum([n async for n in numbers])


@pytest.fixture(autouse=True)
def fresh() -> None:
    Guarded.log.clear()


@pytest.mark.parametrize(
    ("name", "who"),
    [
        ("free", [ANN, BOB, EVE, None]),
        ("anyone", [ANN, BOB, EVE]),
        ("admin", [ANN]),
        ("either", [ANN, BOB]),
        ("both", [ANN]),
        ("high", [ANN]),
        ("later", [ANN]),
        ("callable_object", [ANN]),
        ("bound", [ANN]),
        ("partial", [ANN]),
        ("staff_and_high", [ANN]),
        ("Pinned", [ANN]),
        ("PinnedToo", [ANN]),
        ("overridden", [ANN]),
    ],
)
@pytest.mark.parametrize("user", [ANN, BOB, EVE, None], ids=["Ann", "Bob", "Eve", "nobody"])
async def test_who_may_call(name: str, who: list[User | None], user: User | None) -> None:
    async with raw(Guarded, user=user) as wire:
        wire.call(name)
        assert await wire.next() == (result("1", name) if user in who else done("1", REFUSED.format(name)))
        wire.call("free", id="2")
        assert await wire.next() == result("2", "free"), "the connection goes on"


@pytest.mark.parametrize("name", ["numbers", "numbers_later"])
async def test_streams_to_the_client(name: str) -> None:
    async with raw(Guarded, user=ANN) as ann, raw(Guarded, user=BOB) as bob:
        bob.stream(name)
        assert await bob.next() == done("1", REFUSED.format(name))
        assert Guarded.log == []
        ann.stream(name)
        assert await ann.take(2) == [{"type": 2, "invocationId": "1", "item": 1}, done("1")]


@pytest.mark.parametrize("name", ["total", "total_later"])
async def test_streams_from_the_client(name: str) -> None:
    items: list[dict[str, Any]] = [{"type": 2, "invocationId": "s", "item": n} for n in range(30)]
    async with raw(Guarded, user=ANN) as ann, raw(Guarded, user=BOB) as bob:
        for wire, answer in ((bob, done("1", REFUSED.format(name))), (ann, result("1", 435))):
            wire.say(call(name, streams=["s"]), *items, done("s"), call("free", id="2"))
            assert sorted(await wire.take(2), key=lambda it: it["invocationId"]) == [answer, result("2", "free")]
            assert wire.server.reading
    assert Guarded.log == ["total"]


@pytest.mark.parametrize(
    ("message", "ann", "bob"),
    [
        (call("admin", 1), "Failed to invoke 'admin' due to an error on the server.", None),
        (
            stream("admin"),
            "The client attempted to invoke the non-streaming 'admin' method with a streaming invocation.",
            "",
        ),
        (
            call("numbers"),
            "The client attempted to invoke the streaming 'numbers' method with a non-streaming invocation.",
            "",
        ),
        (
            call("admin", streams=["s"]),
            unexpected("admin", " HubException: Client sent 1 stream(s), Hub method expects 0."),
            "",
        ),
        (call("total"), unexpected("total", " HubException: Client sent 0 stream(s), Hub method expects 1."), ""),
        (
            stream("numbers", streams=["s"]),
            unexpected("numbers", " HubException: Client sent 1 stream(s), Hub method expects 0."),
            "",
        ),
    ],
)
async def test_the_order_of_the_checks(message: dict[str, Any], ann: str, bob: str | None) -> None:
    """Arguments, then who may, then whether it streams and how many streams came (spec 6.3)."""
    refused = ann if bob is None else REFUSED.format(message["target"])
    for user, text in ((ANN, ann), (BOB, refused)):
        async with raw(Guarded, user=user) as wire:
            wire.say(message)
            assert await wire.next() == done("1", text)


def volume() -> int:
    return 11


async def is_ann(user: User) -> bool:
    await asyncio.sleep(0)
    return user.id == "ann"


class Around(Hub):
    @authorize(role="admin")
    @hub_method(thread=True)
    def in_a_thread(self) -> str:
        return "in_a_thread"

    @authorize(policy=is_ann)
    @hub_method(thread=True)
    def in_a_thread_later(self) -> str:
        return "in_a_thread_later"

    @hub_method(thread=True)
    @authorize(policy=is_ann)
    def steps(self) -> Iterator[int]:
        yield 11

    @authorize(policy=is_ann)
    async def depends(self, loud: Annotated[int, Depends(volume)]) -> str:
        return "depends" * (loud // 11)


class Doorman(HubFilter):
    def __init__(self) -> None:
        self.seen: list[str] = []

    async def on_call(self, call: HubInvocationContext, next: Any, /) -> Any:
        self.seen.append(call.method.name)
        return await next(call)


@pytest.mark.parametrize("filtered", [False, True])
async def test_what_else_stands_around_a_method_is_not_reached(filtered: bool) -> None:
    doorman = Doorman()
    hubs = HubServer({"/hub": Around}, filters=[doorman] if filtered else [])
    names = ["in_a_thread", "in_a_thread_later", "depends"]
    async with raw(hubs, user=BOB) as bob, raw(hubs, user=ANN) as ann:
        for name in names:
            bob.call(name)
            assert await bob.next() == done("1", REFUSED.format(name))
        bob.stream("steps")
        assert await bob.next() == done("1", REFUSED.format("steps"))
        assert doorman.seen == []
        for name in names:
            ann.call(name)
            assert await ann.next() == result("1", name)
        ann.stream("steps")
        assert await ann.take(2) == [{"type": 2, "invocationId": "1", "item": 11}, done("1")]
    assert doorman.seen == ([*names, "steps"] if filtered else [])


async def test_calls_that_wait_for_a_slot_are_asked_too() -> None:
    async with raw(Guarded, user=BOB) as wire:
        wire.say(*(message for n in range(20) for message in (call("either", id=f"e{n}"), call("admin", id=f"a{n}"))))
        answers = {answer["invocationId"]: answer for answer in await wire.take(40)}
    assert [answers[f"e{n}"]["result"] for n in range(20)] == ["either"] * 20
    assert [answers[f"a{n}"]["error"] for n in range(20)] == [REFUSED.format("admin")] * 20


async def test_a_call_without_an_id_is_refused_in_silence(caplog: pytest.LogCaptureFixture) -> None:
    async with raw(Guarded, user=BOB) as wire:
        wire.say(call("admin", id=None), call("later", id=None), call("free"))
        assert await wire.next() == result("1", "free")
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


class Wrong(Hub):
    asked = 0

    @authorize(policy=lambda user: user.claims["missing"])
    def raises(self) -> str:
        return "never"

    @authorize(policy=lambda user: high_later(user))  # noqa: PLW0108 - a function that only gives an awaitable
    def forgets_to_await(self) -> str:
        return "never"

    @staticmethod
    async def explains(user: User) -> bool:
        raise HubError("Your trial has ended.", code="trial")

    @authorize(policy=explains)
    async def explained(self) -> AsyncIterator[int]:
        yield 1

    @staticmethod
    async def never(user: User) -> bool:
        await asyncio.Event().wait()
        return True

    @authorize(policy=never)
    def hangs(self) -> str:
        return "never"

    @staticmethod
    async def gives_up(user: User) -> bool:
        raise asyncio.CancelledError

    @authorize(policy=gives_up)
    def cancels_itself(self) -> str:
        return "never"

    def free(self) -> str:
        return "free"


@pytest.mark.parametrize(
    ("message", "text", "logged"),
    [
        (call("raises"), unexpected("raises"), True),
        (call("forgets_to_await"), unexpected("forgets_to_await"), True),
        (stream("explained"), unexpected("explained", " HubException: Your trial has ended. [trial]"), False),
        (call("cancels_itself"), unexpected("cancels_itself"), True),
    ],
)
async def test_a_policy_that_fails_fails_the_call(
    message: dict[str, Any], text: str, logged: bool, caplog: pytest.LogCaptureFixture
) -> None:
    async with raw(Wrong, user=ANN) as wire:
        wire.say(message)
        assert await wire.next() == done("1", text)
        wire.call("free", id="2")
        assert await wire.next() == result("2", "free")
    errors = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert [record.exc_info is not None for record in errors] == [True] * logged


async def test_a_policy_that_hangs_is_cancelled_with_its_call(caplog: pytest.LogCaptureFixture) -> None:
    async with raw(Wrong, user=ANN) as wire:
        wire.call("hangs")
        await turns()
        assert wire.messages == []
        wire.say(cancel("1"))
        assert await wire.next() == done("1", unexpected("hangs"))
    assert [record for record in caplog.records if record.levelno == logging.ERROR] == []


async def test_policies_leave_no_context_variable_behind() -> None:
    seen: list[str | None] = []
    variable: contextvars.ContextVar[str | None] = contextvars.ContextVar("variable", default=None)

    def sets(user: User) -> bool:
        seen.append(variable.get())
        variable.set(user.id)
        return True

    class Contexts(Hub):
        @authorize(policy=sets)
        def one(self) -> str | None:
            return variable.get()

    async with raw(Contexts, user=ANN) as wire:
        wire.say(call("one"), call("one", id="2"))
        assert await wire.take(2) == [result("1", None), result("2", None)]
    assert seen == [None, None]


# -- what is required, and where it is written


@authorize(role="staff")
class Staff(Hub):
    pass


@authorize(role="admin")
class Admins(Staff):
    pass


@pytest.mark.parametrize(
    ("hub", "who"), [(Base, [ANN, BOB, EVE, None]), (Staff, [ANN, BOB]), (Admins, [ANN]), (Hub, [ANN, BOB, EVE, None])]
)
def test_what_a_base_requires_counts_too(hub: type[Hub], who: list[User | None]) -> None:
    guard = guard_of(hub)
    assert [user for user in (ANN, BOB, EVE, None) if passes(guard, user)] == who


def passes(guard: Guard | None, user: User | None) -> bool:
    try:
        if guard is not None:
            guard.check(user)
    except Unauthorized:
        return False
    return True


def test_a_method_without_it_has_no_guard() -> None:
    mapping = HubServer({"/hub": Guarded}).of(Guarded).mapping
    assert [method.name for method in mapping.methods if method.guard is None] == ["free"]
    free = mapping.tables["json"]["free"]
    assert free.guard is None
    assert free.function is Guarded.free, "nothing stands around it"


def test_a_decorated_class_or_method_stays_itself() -> None:
    def method(self: Hub) -> None: ...

    admins = authorize(role="admin")
    assert authorize(method) is method
    assert admins(method) is method

    class Some(Hub): ...

    assert authorize(Some) is Some
    assert admins(Some) is Some
    assert isinstance(admins, Requirement)


WRONG: Any = authorize


@pytest.mark.parametrize(
    ("wrong", "error", "text"),
    [
        (lambda: WRONG(role=""), ValueError, "a name, or a list"),
        (lambda: WRONG(role=[]), ValueError, "a name, or a list"),
        (lambda: WRONG(role="admin,staff"), ValueError, r"\['a', 'b'\]"),
        (lambda: WRONG(policy="admin"), TypeError, "a function of the user"),
        (lambda: WRONG("admin"), TypeError, r"a role is @authorize\(role='admin'\)"),
        (lambda: WRONG(high), TypeError, r"@authorize\(policy=...\)"),
        (lambda: WRONG(lambda: True), TypeError, r"@authorize\(policy=...\)"),
        (lambda: WRONG(Rules(7)), TypeError, "stands on a hub class"),
        (lambda: WRONG(staticmethod(high)), TypeError, "stands on a hub class"),
        (lambda: WRONG(role="admin")("method"), TypeError, "stands on a hub class"),
    ],
)
def test_it_is_not_to_be_misread(wrong: Callable[[], object], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        wrong()
