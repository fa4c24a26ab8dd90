"""The forms of single values that Python and .NET write differently (spec 4.3, 5.4).

| value       | JSON, .NET                    | MessagePack, .NET                       | Python's, where it differs           |
|-------------|-------------------------------|-----------------------------------------|--------------------------------------|
| `datetime`  | ISO 8601                      | ext -1; read also `[ext -1, minutes]`   |                                      |
| `timedelta` | `[-][d.]hh:mm:ss[.fffffff]`   | int64 ticks of 100 ns                   | ISO 8601 duration                    |
| `date`      | ISO 8601                      | days since 0001-01-01                   | ISO 8601                             |
| `time`      | ISO 8601                      | int64 ticks since midnight              | ISO 8601                             |
| `Decimal`   | number                        | string                                  | string                               |
| `Enum`      | its value                     | its name                                | its value                            |

As the key of a dict an enum has its name in .NET's JSON too. A naive datetime is UTC in MessagePack, in both styles.

Imports nothing of the package. Never blocks.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, Flag
from typing import Any, cast

import msgspec

__all__ = [
    "day_number",
    "enum_name",
    "enum_reader",
    "finite_decimal",
    "read_date",
    "read_datetime",
    "read_time",
    "read_timedelta",
    "ticks",
    "time_ticks",
    "timespan",
    "utc",
]

_TIMESPAN = re.compile(r"(-)?(?:(\d{1,8})\.)?([01]\d|2[0-3]):([0-5]\d):([0-5]\d)(?:\.(\d{1,7}))?", re.ASCII)
_TICKS_PER_DAY = 864_000_000_000
_MAX_TICKS = 2**63 - 1


def ticks(value: timedelta) -> int:
    """A timedelta as .NET's ticks of 100 ns."""
    counted = value.days * _TICKS_PER_DAY + value.seconds * 10_000_000 + value.microseconds * 10
    if not -_MAX_TICKS - 1 <= counted <= _MAX_TICKS:
        raise OverflowError("a timedelta of more than 10675199 days is beyond .NET's TimeSpan")
    return counted


def timespan(value: timedelta) -> str:
    """A timedelta as .NET's constant format: `1.02:03:04.5000000`."""
    rest = ticks(value)
    sign, rest = ("-", -rest) if rest < 0 else ("", rest)
    days, rest = divmod(rest, _TICKS_PER_DAY)
    seconds, fraction = divmod(rest, 10_000_000)
    text = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return sign + (f"{days}." if days else "") + text + (f".{fraction:07}" if fraction else "")


def read_timedelta(value: str | int) -> timedelta:
    """A timedelta from ticks, from .NET's text or from an ISO 8601 duration, to the nearest microsecond."""
    if isinstance(value, int):
        return timedelta(microseconds=(value + 5) // 10)
    parts = _TIMESPAN.fullmatch(value)
    if parts is None:
        return msgspec.convert(value, timedelta)
    sign, days, hours, minutes, seconds, fraction = parts.groups()
    whole = int(days or 0) * 86_400 + int(hours) * 3600 + int(minutes) * 60 + int(seconds)
    counted = whole * 10_000_000 + int((fraction or "").ljust(7, "0"))
    return read_timedelta(-counted if sign else counted)


def day_number(value: date) -> int:
    """A date as .NET's DateOnly counts: days since 0001-01-01."""
    return value.toordinal() - 1


def read_date(value: str | int) -> date:
    """A date from its day number or from ISO 8601."""
    return msgspec.convert(value, date) if isinstance(value, str) else date.fromordinal(value + 1)


def time_ticks(value: time) -> int:
    """A time as .NET's TimeOnly counts: ticks of 100 ns since midnight."""
    if value.tzinfo is not None:
        raise ValueError("a time with a zone has no form in .NET")
    seconds = value.hour * 3600 + value.minute * 60 + value.second
    return seconds * 10_000_000 + value.microsecond * 10


def read_time(value: str | int) -> time:
    """A time from its ticks, down to the microsecond, or from ISO 8601."""
    if isinstance(value, str):
        return msgspec.convert(value, time)
    seconds, fraction = divmod(value, 10_000_000)
    return time(seconds // 3600, seconds // 60 % 60, seconds % 60, fraction // 10)


def utc(value: datetime) -> datetime:
    """A naive datetime taken as UTC; an aware one as it is."""
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value


def shortest_datetime(value: datetime) -> datetime | str:
    """A datetime as .NET's JSON has it, without zeros at the end of the fraction: Java's dates read 789000 as milliseconds."""
    if not value.microsecond or value.microsecond % 10:
        return value
    text = value.isoformat()
    zone = text[26:]
    return text[:26].rstrip("0") + ("Z" if zone == "+00:00" else zone)


def read_datetime(value: datetime | tuple[datetime, int]) -> datetime:
    """A datetime, or .NET's DateTimeOffset: the local clock's time marked UTC, and minutes east."""
    if isinstance(value, datetime):
        return value
    clock, minutes = value
    return clock.replace(tzinfo=timezone(timedelta(minutes=minutes)) if minutes else UTC)


def finite_decimal(value: Decimal) -> Decimal:
    """The Decimal itself, if .NET has such a one."""
    if not value.is_finite():
        raise ValueError("NaN and infinities are no decimals of .NET")
    return value


def enum_name(value: Enum) -> str:
    """A member as .NET's resolver writes it: its name; flags as `A, B`, without a name as the number in digits."""
    if not isinstance(value, Flag):
        return value.name
    return str(value.value) if value.name is None else value.name.replace("|", ", ")


def enum_reader(cls: type[Enum], *, names_first: bool) -> Callable[[Any], Enum]:
    """Reads a member by name or by value; of a text that is both, the style's own reading wins."""
    names: dict[Any, Enum] = dict(cls.__members__)
    values: dict[Any, Enum] = {m.value: m for m in cls}
    known = {**values, **names} if names_first else {**names, **values}
    whole = issubclass(cls, int) or all(isinstance(m.value, int) for m in cls)

    def read(value: str | int) -> Enum:
        if (member := known.get(value)) is not None:
            return member
        if isinstance(value, int):
            return _by_value(cls, value)
        if issubclass(cls, Flag) and ", " in value:
            combined: Any = cls(0)
            for name in value.split(", "):
                combined |= cls[name] if name in names else _by_value(cls, name)
            return cast("Enum", combined)
        if whole and re.fullmatch(r"-?\d{1,19}", value, re.ASCII):
            return _by_value(cls, int(value))
        return _by_value(cls, value)

    return read


def _by_value(cls: type[Enum], value: object) -> Enum:
    try:
        return cls(value)
    except ValueError:
        raise ValueError(f"Invalid enum value for {cls.__name__}") from None
