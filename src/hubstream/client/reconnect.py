"""When a lost connection is tried again: .NET's delays, a list, or a policy (spec 11.2).

Imports nothing of the package. Never blocks.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

__all__ = ["DELAYS", "Reconnect", "RetryContext", "RetryPolicy", "next_delay", "policy_of"]

logger = logging.getLogger("hubstream.client")

DELAYS: Final = (0.0, 2.0, 10.0, 30.0)
"""Seconds before each attempt, with `reconnect=True`."""
SPREAD: Final = 0.2
"""By how much of itself such a delay varies, so that clients cut off together do not come back together."""


@dataclass(frozen=True, slots=True)
class RetryContext:
    """What a policy is asked with."""

    previous_retry_count: int
    """Attempts that have failed since the connection was lost."""
    elapsed: float
    """Seconds since the connection was lost."""
    retry_reason: Exception | None
    """Why the connection was lost, or the last attempt failed; None where the server closed without an error."""


RetryPolicy: TypeAlias = Callable[[RetryContext], float | None]
"""Seconds until the next attempt; None for no more."""
Reconnect: TypeAlias = bool | Sequence[float] | RetryPolicy


def policy_of(reconnect: Reconnect) -> RetryPolicy | None:
    """The policy that `reconnect=` means; None for none.

    Raises:
        TypeError: It is no bool, list of numbers or policy.
        ValueError: A delay is no number of seconds.
    """
    if isinstance(reconnect, bool):
        return _delays(DELAYS, SPREAD) if reconnect else None
    if callable(reconnect):
        return reconnect
    if not isinstance(reconnect, Iterable):  # pyright: ignore[reportUnnecessaryIsInstance] - users pass numbers
        raise TypeError(f"reconnect is True, a list of seconds or a policy, not {reconnect!r}")
    delays = tuple(reconnect)
    for delay in delays:
        if not isinstance(delay, int | float):  # pyright: ignore[reportUnnecessaryIsInstance] - users pass texts
            raise TypeError(f"a delay is a number of seconds, not {delay!r}")
        if not delay >= 0:
            raise ValueError(f"a delay is a number of seconds, not {delay!r}")
    return _delays(delays, 0.0)


def next_delay(policy: RetryPolicy, context: RetryContext) -> float | None:
    """What the policy says; None as well when it raises, which is logged, or says what is no number of seconds."""
    try:
        delay = policy(context)
        if delay is not None and not delay >= 0:
            raise ValueError(f"a delay is a number of seconds, not {delay!r}")
    except Exception:
        logger.exception("the retry policy failed, so the connection is not tried again")
        return None
    return delay


def _delays(delays: Sequence[float], spread: float) -> RetryPolicy:
    def policy(context: RetryContext) -> float | None:
        count = context.previous_retry_count
        if count >= len(delays):
            return None
        return delays[count] * random.uniform(1 - spread, 1 + spread)  # noqa: S311 - nothing to be guessed

    return policy
