"""The log as an observer, which every server has: a row of the table of events becomes a record of `hubstream.hub`.

Each record has what it is about in its `extra`, under the same names always. No argument, item or token is ever among it.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from hubstream.hub.ends import EndReason
from hubstream.hub.events import HubEvent
from hubstream.hub.observer import Notice, Observer

if TYPE_CHECKING:
    from hubstream.hub.context import HubCallerContext

__all__ = ["HubLog"]

logger = logging.getLogger("hubstream.hub")

_OUR_WORDS = (
    ("The message size can be configured in AddHubOptions.", "It is set by max_message_size=."),
    ("ClientTimeoutInterval", "client_timeout="),
)
"""Options in texts that clients are shown as ASP.NET Core has them, by the names they have here."""
_ALARMING = {EndReason.PROTOCOL_ERROR, EndReason.NOT_READING}


class HubLog(Observer):
    """Writes what happens to the log."""

    @override
    def connection_opened(self, context: HubCallerContext, /) -> None:
        if logger.isEnabledFor(logging.INFO):
            _log(HubEvent.CONNECTION_OPENED, HubEvent.CONNECTION_OPENED.level, context)

    @override
    def connection_ended(
        self, context: HubCallerContext, reason: EndReason, error: BaseException | None, seconds: float, /
    ) -> None:
        level = logging.WARNING if reason in _ALARMING else HubEvent.CONNECTION_ENDED.level
        if logger.isEnabledFor(level):
            detail = "" if error is None else f" ({_in_our_words(str(error))!r})"
            _log(HubEvent.CONNECTION_ENDED, level, context, reason=reason.label, seconds=seconds, detail=detail)

    @override
    def noticed(self, notice: Notice, /) -> None:
        event = notice.event
        if logger.isEnabledFor(event.level):
            _log(
                event,
                event.level,
                notice.context,
                method=notice.method,
                invocation_id=notice.invocation_id,
                seconds=notice.seconds,
                detail=notice.detail,
                error=notice.error,
            )


def _in_our_words(text: str) -> str:
    for theirs, ours in _OUR_WORDS:
        text = text.replace(theirs, ours)
    return text


def _log(
    event: HubEvent,
    level: int,
    context: HubCallerContext | None,
    *,
    method: str | None = None,
    invocation_id: str | None = None,
    reason: str | None = None,
    seconds: float | None = None,
    detail: str = "",
    error: BaseException | None = None,
) -> None:
    facts: dict[str, Any] = {
        "event": event.label,
        "event_id": event.id,
        "connection_id": None,
        "user_id": None,
        "hub": None,
        "transport": None,
        "method": method,
        "invocation_id": invocation_id,
        "reason": reason,
        "seconds": seconds,
    }
    if context is not None:
        facts |= {
            "connection_id": context.connection_id,
            "user_id": context.user_id,
            "hub": context.hub.__name__,
            "transport": context.transport,
        }
    told = {**facts, "detail": detail, "error": error, "milliseconds": (seconds or 0) * 1000}
    logger.log(level, event.text, told, exc_info=error if level >= logging.ERROR else None, extra=facts)
