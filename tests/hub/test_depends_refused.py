"""What cannot be filled is an error when the hub is mapped, with its cure."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Annotated, Any, TypeVar

import fastapi
import pytest
from fastapi import Body, Cookie, File, Form, Header, Path, Query, WebSocket
from fastapi.security import OAuth2PasswordBearer
from starlette.websockets import WebSocket as StarletteWebSocket

from hubstream import Depends, Hub, HubServer, MappingError

F = TypeVar("F", bound=Callable[..., Any])
REFUSED: dict[str, tuple[type[Hub[Any]], str]] = {}
"""Hubs, and what their error says."""


def refused(*parts: str) -> Callable[[type[Hub[Any]]], type[Hub[Any]]]:
    def keep(hub: type[Hub[Any]]) -> type[Hub[Any]]:
        REFUSED[hub.__name__] = hub, "|".join(parts)
        return hub

    return keep


def nothing_fills(limit: int) -> int:
    return limit


def inner(value: Annotated[int, Depends(nothing_fills)]) -> int:
    return value


@refused(
    "Unfilled.call -> inner -> nothing_fills: nothing fills 'limit'",
    "no query, path or body",
    "Annotated[..., Depends(...)]",
)
class Unfilled(Hub):
    def call(self, n: int, value: Annotated[int, Depends(inner)]) -> None: ...


def not_annotated(limit) -> int:  # type: ignore[no-untyped-def]  # pyright: ignore[reportUnknownParameterType, reportMissingParameterType]
    return 1


@refused("nothing fills 'limit'")
class Unannotated(Hub):
    def call(self, value: Annotated[int, Depends(not_annotated)]) -> None: ...  # pyright: ignore[reportUnknownArgumentType] - it is


class Marked:
    def __init__(self, limit: Annotated[int, Query()] = 10) -> None: ...


@refused("MarkedInside.call -> Marked: 'limit' is marked with Query()", "hubstream's Request, and its .query")
class MarkedInside(Hub):
    def call(self, value: Annotated[Marked, Depends(Marked)]) -> None: ...


@refused("QueryOfAMethod.call: 'limit' is marked with Query()", "plain parameters are the arguments")
class QueryOfAMethod(Hub):
    def call(self, limit: Annotated[int, Query(gt=0)]) -> None: ...


@refused("'limit' is marked with Query()")
class OldStyleQuery(Hub):
    def call(self, limit: int = Query(1)) -> None: ...


@refused("'agent' is marked with Header()", ".headers")
class HeaderOfAMethod(Hub):
    def call(self, agent: Annotated[str, Header()]) -> None: ...


@refused("'session' is marked with Cookie()", ".cookies")
class CookieOfAMethod(Hub):
    def call(self, session: Annotated[str, Cookie()]) -> None: ...


@refused("'tenant' is marked with Path()", ".path_params")
class PathOfAMethod(Hub):
    def call(self, tenant: Annotated[str, Path()]) -> None: ...


@refused("'body' is marked with Body()", "arguments that clients send")
class BodyOfAMethod(Hub):
    def call(self, body: Annotated[dict[str, Any], Body()]) -> None: ...


@refused("'name' is marked with Form()", "arguments that clients send")
class FormOfAMethod(Hub):
    def call(self, name: Annotated[str, Form()]) -> None: ...


@refused("'data' is marked with File()", "AsyncIterator[bytes]")
class FileOfAMethod(Hub):
    def call(self, data: Annotated[bytes, File()]) -> None: ...


@refused("SocketOfAMethod.call: 'socket' is a WebSocket", "HTTPConnection")
class SocketOfAMethod(Hub):
    def call(self, socket: WebSocket) -> None: ...


def takes_socket(socket: StarletteWebSocket) -> None: ...


@refused("-> takes_socket: 'socket' is a WebSocket")
class SocketInside(Hub):
    def call(self, value: Annotated[None, Depends(takes_socket)]) -> None: ...


def takes_response(response: fastapi.Response) -> None: ...


@refused("nothing fills 'response'")
class ResponseInside(Hub):
    def call(self, value: Annotated[None, Depends(takes_response)]) -> None: ...


def one() -> int:
    return 1


def third(value: int) -> int:
    return value


def second(value: Annotated[int, Depends(third)]) -> int:
    return value


def first(value: Annotated[int, Depends(second)]) -> int:
    return value


third.__annotations__["value"] = Annotated[int, Depends(second)]


@refused("a dependency needs itself: second -> third -> second")
class Circle(Hub):
    def call(self, value: Annotated[int, Depends(first)]) -> None: ...


@refused("it depends on 5, which cannot be called", "the function itself")
class NotCallable(Hub):
    def call(self, value: Annotated[int, Depends(5)]) -> None: ...  # pyright: ignore[reportArgumentType]


@refused("its parameters cannot be read", "in a function of your own")
class NoSignature(Hub):
    def call(self, value: Annotated[int, Depends(max)]) -> None: ...


def unresolved(value: int) -> int:
    return 1


unresolved.__annotations__["value"] = "Missing"


@refused("Unresolved.call -> unresolved: its annotations name 'Missing'", "TYPE_CHECKING")
class Unresolved(Hub):
    def call(self, value: Annotated[int, Depends(unresolved)]) -> None: ...


@contextmanager
def managed() -> Generator[int]:
    yield 1


@asynccontextmanager
async def managed_async():  # type: ignore[no-untyped-def]  # pyright: ignore[reportUnknownParameterType]
    yield 1


@refused("-> managed: it is a context manager already", "leave out its decorator")
class Managed(Hub):
    def call(self, value: Annotated[int, Depends(managed)]) -> None: ...


@refused("-> managed_async: it is a context manager already")
class ManagedAsync(Hub):
    def call(self, value: Annotated[int, Depends(managed_async)]) -> None: ...


@refused("marked with max_concurrency=", "a semaphore")
class Limited(Hub):
    def call(self, value: Annotated[int, fastapi.Depends(one, max_concurrency=2)]) -> None: ...


@refused("'user' is marked with Depends itself", "write Depends(...) with what fills it")
class NotMade(Hub):
    def call(self, user: Annotated[str, Depends]) -> None: ...


@refused("'user' is marked with Depends itself")
class FastAPINotMade(Hub):
    def call(self, user: Annotated[str, fastapi.Depends]) -> None: ...


@refused("'token' is marked with OAuth2PasswordBearer(): write Depends(...) around it")
class BareScheme(Hub):
    def call(self, token: Annotated[str, OAuth2PasswordBearer(tokenUrl="token")]) -> None: ...


@refused("leave out the '/'")
class PositionalOnly(Hub):
    def call(self, a: int, /, value: Annotated[int, Depends(one)]) -> None: ...


@refused("Greets.on_connected is called with other arguments", "write 'async def on_connected(self)'")
class Greets(Hub):
    async def on_connected(self, value: Annotated[int, Depends(one)]) -> None: ...  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]


@refused("GreetsByDefault.on_connected is called with other arguments", "write 'async def on_connected(self)'")
class GreetsByDefault(Hub):
    async def on_connected(self, value: int = fastapi.Depends(one)) -> None: ...


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_filled(name: str) -> None:
    hub, parts = REFUSED[name]
    with pytest.raises(MappingError) as caught:
        HubServer({"/hub": hub})
    for part in parts.split("|"):
        assert part in str(caught.value)
