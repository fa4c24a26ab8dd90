"""Single values: the forms of .NET and of Python, read in either style."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Annotated, Any

import msgspec
import pytest

from hubstream.errors import MappingError
from hubstream.payloads import (
    DOTNET,
    ENCODING_ERRORS,
    PYTHON,
    BindError,
    EncodeError,
    Payloads,
    ProtocolName,
    binder,
    describe,
)
from hubstream.payloads.values import read_timedelta, ticks, timespan
from tests.payloads.samples import NOON, Access, Colour, Mood, Point, Size

STYLES = [pytest.param(PYTHON, id="python"), pytest.param(DOTNET, id="dotnet")]
PROTOCOLS: list[ProtocolName] = ["json", "messagepack"]
STAMP = datetime(2026, 11, 23, 4, 5, 6, tzinfo=UTC)


class_of: Callable[[Any], Any] = type


def read(payloads: Payloads, protocol: ProtocolName, type_: Any, sent: Any) -> Any:
    encode = msgspec.json.encode if protocol == "json" else msgspec.msgpack.encode
    return binder(payloads, protocol).decoder(type_)(encode(sent))


@pytest.mark.parametrize("payloads", STYLES)
@pytest.mark.parametrize(
    ("protocol", "type_", "sent", "value"),
    [
        ("json", timedelta, "PT1.5S", timedelta(seconds=1.5)),
        ("json", timedelta, "00:00:01.5", timedelta(seconds=1.5)),
        ("json", timedelta | None, "1.00:00:00", timedelta(days=1)),
        ("json", timedelta | int, 5, 5),
        ("json", datetime, "2026-11-23T04:05:06Z", STAMP),
        (
            "json",
            datetime,
            "2026-11-23T04:05:06.1234567+02:00",
            STAMP.replace(microsecond=123457, tzinfo=timezone(timedelta(hours=2))),
        ),
        ("json", time, "04:05:06.1234567", time(4, 5, 6, 123457)),
        ("json", Decimal, 1.5, Decimal("1.5")),
        ("json", Decimal, "1.50", Decimal("1.50")),
        ("json", Colour, 2, Colour.BLUE),
        ("json", dict[Colour, int], {"1": 5, "BLUE": 6}, {Colour.RED: 5, Colour.BLUE: 6}),
        ("json", dict[Mood, int], {"fine": 5, "BAD": 6}, {Mood.GOOD: 5, Mood.BAD: 6}),
        ("json", dict[Access, int] | None, {"READ, WRITE": 5, "1": 6}, {Access.READ | Access.WRITE: 5, Access.READ: 6}),
        ("messagepack", timedelta, "PT1.5S", timedelta(seconds=1.5)),
        ("messagepack", timedelta, "00:00:01.5", timedelta(seconds=1.5)),
        ("messagepack", timedelta, 15_000_000, timedelta(seconds=1.5)),
        ("messagepack", timedelta | None, 15_000_000, timedelta(seconds=1.5)),
        ("messagepack", timedelta | int, 5, 5),
        ("messagepack", datetime, STAMP, STAMP),
        ("messagepack", datetime, [STAMP, 0], STAMP),
        ("messagepack", datetime, [STAMP, 120], STAMP.replace(tzinfo=timezone(timedelta(hours=2)))),
        ("messagepack", datetime, [STAMP, -330], STAMP.replace(tzinfo=timezone(-timedelta(hours=5, minutes=30)))),
        ("messagepack", datetime | None, [STAMP, 120], STAMP.replace(tzinfo=timezone(timedelta(hours=2)))),
        ("messagepack", list[datetime], [[STAMP, 0], STAMP], [STAMP, STAMP]),
        ("messagepack", datetime | list[int], [1, 2], [1, 2]),
        ("messagepack", date, "2026-11-23", date(2026, 11, 23)),
        ("messagepack", date, 739942, date(2026, 11, 23)),
        ("messagepack", date | int, 739942, 739942),
        ("messagepack", time, "04:05:06", time(4, 5, 6)),
        ("messagepack", time, 147_060_000_009, time(4, 5, 6)),
        ("messagepack", dict[date, time], {739942: "04:05:06"}, {date(2026, 11, 23): time(4, 5, 6)}),
        ("messagepack", Colour, 2, Colour.BLUE),
        ("messagepack", Colour, "BLUE", Colour.BLUE),
        ("messagepack", Colour, "2", Colour.BLUE),
        ("messagepack", Colour | str, "BLUE", "BLUE"),
        ("messagepack", Colour | str, 2, Colour.BLUE),
        ("messagepack", Mood, "GOOD", Mood.GOOD),
        ("messagepack", Mood, "fine", Mood.GOOD),
        ("messagepack", Size, "BIG", Size.BIG),
        ("messagepack", Access, "WRITE", Access.WRITE),
        ("messagepack", Access, "READ, WRITE", Access.READ | Access.WRITE),
        ("messagepack", Access, 3, Access.READ | Access.WRITE),
        ("messagepack", Access, "3", Access.READ | Access.WRITE),
        ("messagepack", dict[Colour, int], {"RED": 1}, {Colour.RED: 1}),
        ("messagepack", Decimal, "1.50", Decimal("1.50")),
        ("messagepack", Decimal, 1.5, Decimal("1.5")),
    ],
)
def test_both_styles_are_read(protocol: ProtocolName, type_: Any, sent: Any, value: Any, payloads: Payloads) -> None:
    found = read(payloads, protocol, type_, sent)
    assert found == value
    assert type(found) is type(value)
    if isinstance(value, datetime):
        assert found.utcoffset() == value.utcoffset()


def test_two_kinds_of_text_are_told_apart_where_dotnet_writes_one_as_a_number() -> None:
    assert read(DOTNET, "messagepack", timedelta | str, "PT1S") == "PT1S"
    assert read(DOTNET, "messagepack", timedelta | str, 10_000_000) == timedelta(seconds=1)
    others: list[tuple[Payloads, ProtocolName]] = [(PYTHON, "json"), (PYTHON, "messagepack"), (DOTNET, "json")]
    for payloads, protocol in others:
        with pytest.raises(MappingError, match="more than one str-like"):
            read(payloads, protocol, timedelta | str, "PT1S")


class Crossed(Enum):
    A = "B"
    B = "A"


def test_of_a_text_that_is_a_name_and_a_value_the_style_decides() -> None:
    assert read(PYTHON, "messagepack", Crossed, "A") is Crossed.B
    assert read(DOTNET, "messagepack", Crossed, "A") is Crossed.A
    assert read(Payloads(messagepack_names="pascal"), "messagepack", Crossed, "A") is Crossed.B


@pytest.mark.parametrize("payloads", STYLES)
@pytest.mark.parametrize(
    ("protocol", "type_", "sent", "text"),
    [
        ("json", timedelta, "soon", "Invalid ISO8601 duration"),
        ("json", timedelta, "24:00:00", "Invalid ISO8601 duration"),
        ("json", timedelta, 5, "Expected `duration`, got `int`|Expected `str`, got `int`"),
        ("json", list[timedelta], ["PT1S", "x"], r"Invalid ISO8601 duration - at `\$\[1\]`"),
        ("json", dict[str, timedelta], {"a": "x"}, r"Invalid ISO8601 duration - at `\$"),
        ("json", Colour, 3, "Invalid enum value 3"),
        ("json", dict[Colour, int], {"GREEN": 5}, "Invalid enum value|Expected `int`"),
        ("json", dict[Colour, int], {"3": 5}, "Invalid enum value"),
        ("messagepack", Colour, 3, "Invalid enum value"),
        ("messagepack", Colour, "GREEN", "Invalid enum value|Expected `int`, got `str`"),
        ("messagepack", Mood, 1, "Expected `str`, got `int`"),
        ("messagepack", Access, "READ, FLY", "Invalid enum value|Expected `int`"),
        ("messagepack", tuple[int, Colour], [1, "x"], r"\$\[1\]"),
        ("messagepack", datetime, [STAMP, 5000], "Expected|offset"),
        ("messagepack", datetime, 5, "Expected"),
        ("messagepack", date, -1, "ordinal|Expected `date`"),
        ("messagepack", time, 864_000_000_000, "hour|Expected `time`"),
        ("messagepack", time, -1, "hour|Expected `time`"),
        ("messagepack", Annotated[datetime, msgspec.Meta(tz=False)], STAMP, "Expected `datetime` with no timezone"),
    ],
)
def test_what_does_not_fit(protocol: ProtocolName, type_: Any, sent: Any, text: str, payloads: Payloads) -> None:
    with pytest.raises((BindError, msgspec.ValidationError), match=text):
        read(payloads, protocol, type_, sent)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("00:00:00", timedelta(0)),
        ("23:59:59.9999990", timedelta(days=1) - timedelta(microseconds=1)),
        ("-00:00:00.5000000", timedelta(seconds=-0.5)),
        ("-1.02:03:04", -timedelta(days=1, hours=2, minutes=3, seconds=4)),
        ("10675199.02:48:05.4775800", timedelta(days=10675199, hours=2, minutes=48, seconds=5, microseconds=477580)),
    ],
)
def test_time_spans(text: str, value: timedelta) -> None:
    assert read_timedelta(text) == value
    assert timespan(value) == text
    assert read_timedelta(ticks(value)) == value


@pytest.mark.parametrize(
    ("form", "microseconds"),
    [
        ("00:00:00.0000005", 1),
        ("00:00:00.0000004", 0),
        (5, 1),
        (4, 0),
        (-5, 0),
        (-6, -1),
        (2**63 - 1, 922337203685477581),
    ],
)
def test_ticks_are_rounded_to_microseconds(form: str | int, microseconds: int) -> None:
    assert read_timedelta(form) == timedelta(microseconds=microseconds)


class Loud(IntEnum):
    """Raises for what it does not know, as user code may."""

    ONE = 1

    @classmethod
    def _missing_(cls, value: object) -> Loud | None:
        return cls.ONE if value == 11 else None


def test_an_enums_own_reading_is_asked() -> None:
    for payloads in (PYTHON, DOTNET):
        for protocol in PROTOCOLS:
            assert read(payloads, protocol, Loud, 11) is Loud.ONE


class Plain:
    """Nothing can carry it."""


PLAIN: Any = Plain()
NAN: Any = float("nan")


@pytest.mark.parametrize("declared", [True, False])
@pytest.mark.parametrize(
    ("payloads", "protocol", "value", "text"),
    [
        (style, protocol, value, text)
        for style in (PYTHON, DOTNET)
        for protocol, value, text in [
            ("json", NAN, "a value of class float cannot be written: NaN and infinities are no JSON numbers"),
            ("json", [1.5, None, float("inf")], "a value of class list cannot be written: NaN"),
            ("json", {"a": {"b": [-float("inf")]}}, "a value of class dict cannot be written: NaN"),
            ("json", Point(1, NAN), "a value of class Point cannot be written: NaN"),
            ("json", "\ud83d", "half of a surrogate pair"),
            ("messagepack", "\ud83d", "half of a surrogate pair"),
            ("json", ["a", "\ud83d"], "half of a surrogate pair"),
            ("messagepack", {"\ud83d": 1}, "half of a surrogate pair"),
            ("messagepack", 2**64, "ints"),
            ("messagepack", [-(2**63) - 1], "ints"),
            ("json", Plain(), "Plain is no class that can be carried"),
            ("messagepack", [Plain()], "Plain is no class that can be carried"),
            ("json", {(1, 2): 3}, "a tuple cannot be the key of a dict"),
            ("messagepack", Point(1, PLAIN), "Plain is no class that can be carried"),
        ]
    ],
)  # fmt: skip
def test_what_cannot_be_written(
    payloads: Payloads, protocol: ProtocolName, value: Any, text: str, declared: bool
) -> None:
    undeclared = not declared or isinstance(value, (Plain, Point))
    type_ = None if undeclared else class_of(value)
    with pytest.raises(ENCODING_ERRORS) as caught:
        binder(payloads, protocol).encoder(type_)(value)
    told = describe(caught.value)
    assert text.removeprefix("a value of class ").split(" cannot be written: ")[-1] in told
    if type_ is None:
        assert type(caught.value) is EncodeError
        assert told.startswith(f"a value of class {type(value).__name__} cannot be written: ")


@pytest.mark.parametrize("payloads", STYLES)
def test_a_list_that_holds_itself(payloads: Payloads) -> None:
    endless: list[Any] = []
    endless.append(endless)
    for protocol in PROTOCOLS:
        with pytest.raises(EncodeError, match="nested too deeply"):
            binder(payloads, protocol).encoder()(endless)


@pytest.mark.parametrize(
    ("protocol", "value"),
    [
        ("json", timedelta.max),
        ("messagepack", timedelta.max),
        ("json", timedelta(days=-10_675_200)),
        ("json", Decimal("NaN")),
        ("json", [Decimal("Infinity")]),
        ("messagepack", Decimal("sNaN")),
        ("messagepack", time(4, tzinfo=UTC)),
    ],
)
def test_what_dotnet_has_no_form_for(protocol: ProtocolName, value: Any) -> None:
    for type_ in (None, class_of(value)):
        with pytest.raises(EncodeError, match="NET"):
            binder(DOTNET, protocol).encoder(type_)(value)
    binder(PYTHON, protocol).encoder()(value)


def test_what_python_alone_can_carry() -> None:
    assert binder(PYTHON, "json").encoder(int)(2**80) == str(2**80).encode()
    assert binder(PYTHON, "json").decoder(int)(str(2**80).encode()) == 2**80
    assert binder(PYTHON, "messagepack").decoder(float)(
        binder(PYTHON, "messagepack").encoder(float)(float("inf"))
    ) == float("inf")


NAIVE = [NOON.replace(tzinfo=None), NOON.replace(tzinfo=None, microsecond=0), datetime(1, 1, 1), datetime(9999, 12, 31)]  # noqa: DTZ001 - naive on purpose


@pytest.mark.parametrize("naive", NAIVE)
@pytest.mark.parametrize("payloads", STYLES)
def test_a_naive_datetime_is_never_text_in_messagepack(naive: datetime, payloads: Payloads) -> None:
    carrier = binder(payloads, "messagepack")
    aware = naive.replace(tzinfo=UTC)
    read_any = carrier.decoder(Any)
    for value, wanted in [
        (naive, aware),
        ([naive], [aware]),
        ({"a": (naive, 1)}, {"a": [aware, 1]}),
        ({naive: {naive}}, {aware: [aware]}),
    ]:
        assert read_any(carrier.encoder()(value)) == wanted
    assert read_any(carrier.encoder(list[datetime | None])([None, naive])) == [None, aware]
    assert read_any(carrier.encoder()(["t" * 19, "t" * 26])) == ["t" * 19, "t" * 26]


def test_a_null_that_is_meant_is_written() -> None:
    for payloads in (PYTHON, DOTNET):
        write = binder(payloads, "json").encoder()
        assert write([None, "null", 1.5, Point(1, 2)]) == b'[null,"null",1.5,{"x":1,"y":2,"label":null}]'
        assert binder(payloads, "json").encoder(list[float | None])([None, 2.5]) == b"[null,2.5]"
