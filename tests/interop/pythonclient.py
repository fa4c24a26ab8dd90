"""The driver of this package's own client: what it knows, what it leaves out on which server and combination.

Imports the checks; nothing here blocks.
"""

from __future__ import annotations

from tests.interop.checks import Combination, due
from tests.interop.python import beyond, call, down, invoke, js, life, own, up
from tests.interop.python.check import Check

__all__ = ["CHECKS", "GAPS", "OWN", "SERVERS", "checks"]

CHECKS: dict[str, Check] = {
    check.name: check for area in (invoke, down, up, call, life, beyond, js, own) for check in area.check.checks
}
"""Every check it knows, by its name."""

OWN = [check.name for check in own.check.checks]
"""Checks of this client's own ways, which no other driver has."""

GAPS = {
    "life.stateful_reconnect_loses_nothing": "the client has none",
    "js.one_of_two_subscribers_disposed": "a stream has one reader here",
    "js.late_subscriber": "a stream has one reader here",
    "js.rxjs_subject_by_send": "RxJS is JavaScript's",
    "js.rxjs_subject_by_invoke": "RxJS is JavaScript's",
    "js.rxjs_subject_by_stream": "RxJS is JavaScript's",
    "js.rxjs_subject_error_reaches_the_method": "RxJS is JavaScript's",
    "js.rxjs_observable": "RxJS is JavaScript's",
}
"""The checks of `checks.txt` the driver does not have, and why."""

NOT_POLLED = {"life.cut_stops_the_streams": "15 s pass until a server gives up a client that does not poll"}
"""Checks that take too long with long polling."""

NOT_ASPNET = {
    "beyond": "ASP.NET Core 10 fails them now and then",
    "own.cancel_of_an_invocation": "ASP.NET Core 10 does not cancel a plain call (spec 7.3)",
}
"""Checks, or whole areas, that the reference server is not asked, and why."""

SERVERS = ("ours", "aspnet")


def checks(server: str, combination: Combination) -> list[str]:
    """The checks that have to pass on a server and combination."""
    apart = {*GAPS, *(NOT_POLLED if combination.transport == "LongPolling" else ())}
    names = due(combination, apart) + OWN
    if server == "aspnet":
        names = [name for name in names if name not in NOT_ASPNET and name.partition(".")[0] not in NOT_ASPNET]
    return names
