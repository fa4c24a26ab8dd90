"""Who may come to a hub at all: asked about every HTTP request to its paths, negotiations, polls and POSTs too, as in .NET.

Imports the request, and the hub room's options and guards. Waits for the user's `authenticate=` and policies only, and not
for ever.
"""

from __future__ import annotations

import asyncio
import inspect
import time
from typing import TYPE_CHECKING, Any

from hubstream.hub.authorize import Unauthorized, guard_of
from hubstream.hub.events import HubEvent
from hubstream.hub.http_exception import as_answer
from hubstream.hub.observer import Notice
from hubstream.user import User

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from hubstream.hub.mapping import HubMapping
    from hubstream.transports.asgi.request import Request

__all__ = ["admission"]

UNAUTHENTICATED, FORBIDDEN, FAILED = 401, 403, 500
_NOBODY_ASKED = "there is no authenticate=, and no middleware has left a user"


def admission(mapping: HubMapping) -> Callable[[Request], Awaitable[int | None]] | None:
    """What says of each request whose it is, and gives the HTTP status to refuse it with; None where everybody may come."""
    options, guard, path = mapping.options, guard_of(mapping.hub), mapping.path or "/"
    authenticate = options.authenticate
    if authenticate is None and guard is None:
        return None

    async def ask(request: Request) -> None:
        if authenticate is not None:
            found = authenticate(request)
            request.user = _valid(await found if inspect.isawaitable(found) else found)
        if guard is not None:
            guard.check(request.user)
            await guard.wait(request.user)

    def refuse(status: int, why: str) -> int:
        mapping.observers.noticed(Notice(event=HubEvent.ADMISSION_REFUSED, detail=f"{path}, with {status}: {why}"))
        return status

    async def admit(request: Request) -> int | None:
        try:
            async with asyncio.timeout(options.handshake_timeout):
                await ask(request)
        except Unauthorized:
            if request.user is not None:
                return refuse(FORBIDDEN, "its user may not")
            return refuse(UNAUTHENTICATED, _no_user(request) if authenticate is not None else _NOBODY_ASKED)
        except (Exception, asyncio.CancelledError) as error:
            if isinstance(error, asyncio.CancelledError) and _cancelled():
                raise
            if isinstance(as_answer(error), Unauthorized):  # an HTTPException with one of these
                refusal: Any = error
                return refuse(refusal.status_code, f"{type(error).__name__} was raised")
            mapping.observers.noticed(Notice(event=HubEvent.ADMISSION_FAILED, error=error, detail=path))
            return FAILED
        return None

    return admit


def _no_user(request: Request) -> str:
    if request.token is None:
        return "it has no token, and authenticate= gave no user"
    return "authenticate= gave no user for its token, or one whose login is over"


def _cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _valid(user: User | None) -> User | None:
    """A user whose login has not expired."""
    if user is None:
        return None
    if not isinstance(user, User):  # pyright: ignore[reportUnnecessaryIsInstance] - what it is written to give is not checked
        raise TypeError(f"authenticate= gives a User or None, not {type(user).__name__}")
    expires = user.expires_at
    return None if expires is not None and expires <= time.time() else user
