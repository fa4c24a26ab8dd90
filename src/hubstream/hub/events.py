"""The table of all that observers are told and that is logged: names and ids that never change. Imports nothing of hubs."""

from __future__ import annotations

from enum import Enum
from logging import DEBUG, ERROR, INFO, WARNING

from hubstream.naming import pascal

__all__ = ["HubEvent"]

_BY = ": connection %(connection_id)s"
_CALL = f"{_BY}, invocation %(invocation_id)s"


class HubEvent(Enum):
    """What happened: its id, the level it is logged with, and the text. An id that is no longer used is not used again."""

    CONNECTION_OPENED = (1, INFO, "connection %(connection_id)s opened: %(hub)s over %(transport)s")
    CONNECTION_ENDED = (2, INFO, "connection %(connection_id)s ended: %(reason)s%(detail)s, after %(seconds).3f s")
    """A protocol error, and a client that does not read, are warnings."""
    CONNECT_FAILED = (3, ERROR, f"on_connected failed{_BY}")
    DISCONNECT_FAILED = (4, ERROR, f"on_disconnected failed{_BY}")
    LIFETIME_FAILED = (5, ERROR, "the lifetime manager failed at the end of connection %(connection_id)s")
    ADMISSION_FAILED = (6, ERROR, "it could not be told who may come to %(detail)s")
    ADMISSION_REFUSED = (7, INFO, "a request was refused at %(detail)s")
    METHOD_UNKNOWN = (10, INFO, f"no method is called %(detail)r{_CALL}")
    ARGUMENTS_INVALID = (11, INFO, f"the arguments of '%(method)s' do not fit{_CALL}: %(detail)s")
    CALL_UNAUTHORIZED = (12, INFO, f"'%(method)s' was refused, its user may not{_CALL}")
    CALL_REFUSED = (13, INFO, f"a call of '%(method)s' was refused{_CALL}: %(detail)r")
    ERROR_ANSWERED = (14, DEBUG, f"'%(method)s' answered with an error{_CALL}: %(error)s")
    """What the method raised was meant for its caller."""
    ERROR_UNHEARD = (15, INFO, f"'%(method)s' failed, and its caller awaits no answer{_CALL}: %(error)s")
    """The same of a call without an id."""
    CALL_FAILED = (16, ERROR, f"'%(method)s' failed{_CALL}")
    ERROR_DATA_INVALID = (17, ERROR, f"the data of an error of '%(method)s' cannot be sent{_CALL}")
    LOOP_HELD = (
        18,
        WARNING,
        (
            "'%(method)s' held the event loop for %(milliseconds).0f ms, and nothing else ran; "
            f"@hub_method(thread=True) runs what blocks in a thread{_CALL}"
        ),
    )
    CALL_OVERDUE = (19, ERROR, f"'%(method)s' did not end %(seconds)g s after it was cancelled%(detail)s{_CALL}")
    SPAWNED_TASK_FAILED = (20, ERROR, f"a task of '%(method)s' failed{_CALL}")
    TASK_ABANDONED = (21, ERROR, f"a task did not end after it was cancelled{_BY}: %(detail)s")
    ITEM_INVALID = (22, INFO, f"an item does not fit{_BY}, stream %(detail)s")
    UPLOAD_OVERFLOWED = (
        23,
        WARNING,
        f"the stream %(detail)r is over: its buffer was full, and an answer was behind it{_BY}",
    )
    ANSWER_UNEXPECTED = (24, DEBUG, f"nobody awaits %(detail)r{_BY}")
    SERVER_STOPS = (30, INFO, "the server stops: every connection is ended")
    STOP_FAILED = (31, ERROR, "the connections could not be ended")
    LIMIT_UNREACHABLE = (32, WARNING, "%(detail)s")
    """The ASGI server ends a WebSocket before `max_message_size` is reached."""
    OBSERVER_FAILED = (33, ERROR, "an observer failed, which is told once: %(detail)s")

    def __init__(self, id: int, level: int, text: str) -> None:
        self.id = id
        self.level = level
        self.text = text

    @property
    def label(self) -> str:
        """Its name in log records: `CallFailed`."""
        return pascal(self.name.lower())
