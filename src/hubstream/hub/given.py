"""What a parameter gets for its type alone: the things every call has, ours and Starlette's.

Starlette is not imported: its classes are known by their names and made by whoever declares them. Nothing blocks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from types import NoneType, UnionType
from typing import Any, Union, cast, get_args, get_origin

from hubstream.errors import HubstreamError, MappingError
from hubstream.hub.authorize import Unauthorized
from hubstream.hub.context import HubCallerContext
from hubstream.hub.hub import Hub
from hubstream.hub.solving import Given, Solving
from hubstream.payloads.hints import strip
from hubstream.transports.asgi.request import Request
from hubstream.types import Message, Scope
from hubstream.user import User

__all__ = ["given"]

_FOREIGN = {
    ("starlette.requests", "HTTPConnection"),
    ("starlette.requests", "Request"),
    ("starlette.websockets", "WebSocket"),
    ("fastapi.security.oauth2", "SecurityScopes"),
}


def given(where: str, name: str, annotation: Any, scopes: tuple[str, ...]) -> Given | None:
    """What a type of a parameter alone says; None for a type that says nothing.

    Args:
        where: The function it belongs to, for errors.
        name: The parameter's name.
        annotation: The type.
        scopes: What FastAPI's `Security` markers above it ask for.

    Raises:
        MappingError: It is Starlette's `WebSocket`.
    """
    annotation = strip(annotation)
    if annotation is HubCallerContext:
        return Given(lambda solving: solving.hub.context)
    if annotation is Request:
        return Given(lambda solving: solving.hub.context.request)
    parts = get_args(annotation) if get_origin(annotation) in {Union, UnionType} else (annotation,)
    classes = tuple(strip(it) for it in parts if it is not NoneType)
    if classes and all(isinstance(it, type) and issubclass(it, User) for it in classes):
        return Given(_user(classes, optional=NoneType in parts))
    cls: Any = get_origin(annotation) or annotation
    if not isinstance(cls, type):
        return None
    foreign = cast(Any, cls)
    if issubclass(cls, Hub):
        return Given(_hub(foreign))
    match next((named for it in cls.__mro__ if (named := (it.__module__, it.__name__)) in _FOREIGN), None):
        case (_, "WebSocket"):
            raise MappingError(
                f"{where}: '{name}' is a WebSocket, which not every hub connection has, and whose messages belong to the hub "
                "protocol; take Starlette's HTTPConnection for headers, cookies and query"
            )
        case (_, "HTTPConnection"):
            return Given(lambda solving: foreign(_scope(solving)))
        case (_, "Request"):
            return Given(lambda solving: foreign(*_http(solving)))
        case (_, "SecurityScopes"):
            return Given(lambda _: foreign(list(scopes)), scopes)
        case _:
            return None


def _user(classes: tuple[type[User], ...], *, optional: bool) -> Callable[[Solving], User | None]:
    def user(solving: Solving) -> User | None:
        user = solving.hub.context.user
        if user is None and not optional:
            raise Unauthorized
        if user is not None and not isinstance(user, classes):
            names = " or ".join(it.__name__ for it in classes)
            raise HubstreamError(f"a parameter takes a {names}, and this connection's user is a {type(user).__name__}")
        return user

    return user


def _hub(cls: type[Hub[Any]]) -> Callable[[Solving], Hub[Any]]:
    def hub(solving: Solving) -> Hub[Any]:
        if not isinstance(solving.hub, cls):
            raise HubstreamError(
                f"a dependency takes a {cls.__name__}, and this call's hub is {type(solving.hub).__name__}"
            )
        return solving.hub

    return hub


def _scope(solving: Solving) -> Scope:
    """The scope of the connection. A token that came in the query stands in its headers, where security schemes look."""
    request = solving.hub.context.request
    scope: Scope = {"query_string": b"", "headers": [], **request.scope}
    headers: Iterable[tuple[bytes, bytes]] = scope["headers"]
    if all(name.lower() != b"authorization" for name, _ in headers) and (token := request.token) is not None:
        scope["headers"] = [*headers, (b"authorization", b"Bearer " + token.encode())]
    return scope


def _http(solving: Solving) -> tuple[Scope, Callable[[], Any]]:
    """The same as a GET without a body."""
    scope = _scope(solving)
    scheme = {"ws": "http", "wss": "https"}.get(scope.get("scheme", "http"), scope.get("scheme", "http"))
    scope.update(type="http", method="GET", scheme=scheme, extensions={})
    context = solving.hub.context
    read = False

    async def receive() -> Message:
        nonlocal read
        if not read and not context.aborted.is_set():
            await asyncio.sleep(0)  # `Request.is_disconnected()` is cancelled here, and leaves the body to be read
            read = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await context.aborted.wait()
        return {"type": "http.disconnect"}

    return scope, receive
