"""Pydantic's models as parameters and results: read and written by pydantic, by their own aliases."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Annotated, Any, Generic, TypeVar

import msgspec
import pydantic
import pytest
from pydantic.alias_generators import to_camel

from hubstream.errors import MappingError
from hubstream.payloads import DOTNET, PYTHON, BindError, EncodeError, Payloads, ProtocolName, binder

T = TypeVar("T")
STYLES = [pytest.param(PYTHON, id="python"), pytest.param(DOTNET, id="dotnet")]
WHEN = datetime(2026, 11, 23, 4, 5, 6, tzinfo=UTC)


class Child(pydantic.BaseModel):
    child_name: str


class Model(pydantic.BaseModel):
    user_id: int = pydantic.Field(gt=0)
    at: datetime
    children: list[Child] = []


class Aliased(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(alias_generator=to_camel, populate_by_name=True)

    user_id: int


class Page(pydantic.BaseModel, Generic[T]):
    items: list[T]


@pydantic.dataclasses.dataclass
class Checked:
    some_value: Annotated[int, pydantic.Field(gt=0)]


@dataclass
class Holder:
    the_model: Aliased
    more_models: list[Aliased]


class Colour(IntEnum):
    RED = 1


class Mood(Enum):
    GOOD = "fine"


class Values(pydantic.BaseModel):
    span: timedelta
    day: date
    clock: time
    price: Decimal
    colour: Colour
    mood: Mood
    data: bytes


@pydantic.dataclasses.dataclass
class CheckedValues:
    span: timedelta
    day: date
    colour: Colour


@dataclass
class Plain:
    some_span: timedelta


SECOND, DAYS, DAY, CLOCK = timedelta(seconds=1), timedelta(days=1, hours=2), date(2026, 11, 23), time(4, 5, 6)
VALUES = Values(
    span=SECOND, day=DAY, clock=CLOCK, price=Decimal("1.10"), colour=Colour.RED, mood=Mood.GOOD, data=b"\x01"
)
SAID = pydantic.Field(description="said beside it")


MODEL = Model(user_id=1, at=WHEN, children=[Child(child_name="a")])
ROWS: list[tuple[str, Any, Any]] = [
    ("model", Model, MODEL),
    ("aliased", Aliased, Aliased(user_id=1)),
    ("list", list[Model], [MODEL]),
    ("optional", Model | None, MODEL),
    ("optional, absent", Model | None, None),
    ("union", Model | Child, Child(child_name="a")),
    ("dict", dict[str, Child], {"a_b": Child(child_name="a")}),
    ("tuple", tuple[Child, int], (Child(child_name="a"), 1)),
    ("generic", Page[Child], Page[Child](items=[Child(child_name="a")])),
    ("constraint", Annotated[int, pydantic.Field(gt=0)], 3),
    ("dataclass of pydantic's", Checked, Checked(some_value=1)),
    ("in a dataclass", Holder, Holder(Aliased(user_id=1), [Aliased(user_id=2)])),
    ("values", Values, VALUES),
    ("values in a dataclass of pydantic's", CheckedValues, CheckedValues(SECOND, DAY, Colour.RED)),
    ("constrained timedelta", Annotated[timedelta, pydantic.Field(gt=timedelta(0))], SECOND),
    ("constrained date", Annotated[date, SAID], DAY),
    ("constrained time", Annotated[time, SAID], CLOCK),
    ("constrained enum", Annotated[Colour, SAID], Colour.RED),
    ("constrained list", Annotated[list[timedelta], pydantic.Field(min_length=1)], [SECOND]),
    ("constrained dataclass", Annotated[Plain, SAID], Plain(SECOND)),
]


@pytest.mark.parametrize("payloads", STYLES)
@pytest.mark.parametrize("protocol", ["json", "messagepack"])
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_there_and_back(row: tuple[str, Any, Any], protocol: ProtocolName, payloads: Payloads) -> None:
    _, type_, value = row
    carrier = binder(payloads, protocol)
    encoded = carrier.encoder(type_)(value)
    assert carrier.encoder()(value) == encoded
    back = carrier.decoder(type_)(msgspec.Raw(encoded))
    assert back == value
    assert type(back) is type(value)
    assert carrier.arguments((int, type_), 2)(carrier.encoder()([7, value])) == (7, value)


@pytest.mark.parametrize("payloads", STYLES)
def test_names_are_the_models_own(payloads: Payloads) -> None:
    for protocol in ("json", "messagepack"):
        carrier = binder(payloads, protocol)
        assert carrier.decoder(Any)(carrier.encoder()(Aliased(user_id=1))) == {"userId": 1}
        assert set(carrier.decoder(Any)(carrier.encoder()(MODEL))) == {"user_id", "at", "children"}


@pytest.mark.parametrize("payloads", STYLES)
@pytest.mark.parametrize("protocol", ["json", "messagepack"])
@pytest.mark.parametrize(
    ("type_", "value"),
    [(Child | timedelta, -DAYS), (Child | Colour, Colour.RED), (list[Child | date], [DAY]), (Child | None, None)],
)
def test_a_union_with_a_model_is_pydantics_as_a_whole(
    type_: Any, value: Any, protocol: ProtocolName, payloads: Payloads
) -> None:
    carrier = binder(payloads, protocol)
    assert carrier.decoder(type_)(carrier.encoder(type_)(value)) == value


class Stamped(pydantic.BaseModel):
    at: datetime


@pydantic.dataclasses.dataclass
class StampedToo:
    at: datetime


@pytest.mark.parametrize("payloads", STYLES)
@pytest.mark.parametrize("cls", [Stamped, StampedToo])
def test_a_naive_datetime_in_it_is_never_text_in_messagepack(cls: type[Any], payloads: Payloads) -> None:
    carrier = binder(payloads, "messagepack")
    for write in (carrier.encoder(cls), carrier.encoder()):
        encoded = write(cls(at=WHEN.replace(tzinfo=None)))
        assert carrier.decoder(Any)(encoded) == {"at": WHEN}
        assert carrier.decoder(cls)(encoded) == cls(at=WHEN)


@pytest.mark.parametrize("payloads", STYLES)
def test_a_constrained_value_is_read_in_dotnets_form_too(payloads: Payloads) -> None:
    positive: Any = Annotated[timedelta, pydantic.Field(gt=timedelta(0))]
    for protocol, form, none in [("json", '"00:00:01"', '"00:00:00"'), ("messagepack", 10_000_000, 0)]:
        read = binder(payloads, protocol).decoder(positive)
        encode: Any = msgspec.msgpack.encode if protocol == "messagepack" else str.encode
        assert read(encode(form)) == SECOND
        with pytest.raises(BindError, match="greater than 0"):
            read(encode(none))


@pytest.mark.parametrize("payloads", STYLES)
def test_a_validator_sees_what_was_sent(payloads: Payloads) -> None:
    minutes: Any = Annotated[timedelta, pydantic.BeforeValidator(lambda sent: timedelta(minutes=sent))]
    for protocol in ("json", "messagepack"):
        carrier = binder(payloads, protocol)
        assert carrier.decoder(minutes)(carrier.encoder()(2)) == timedelta(minutes=2)


def test_messagepack_keeps_binary_forms() -> None:
    carrier = binder(DOTNET, "messagepack")
    assert carrier.decoder(Any)(carrier.encoder()(MODEL))["at"] == WHEN


@pytest.mark.parametrize("payloads", STYLES)
@pytest.mark.parametrize("protocol", ["json", "messagepack"])
@pytest.mark.parametrize(
    ("type_", "sent", "text"),
    [
        (Model, {"user_id": 0, "at": "2026-01-01T00:00:00Z"}, "Input should be greater than 0 - at `$.user_id`"),
        (
            Model,
            {"user_id": "secret", "at": 0},
            "Input should be a valid integer, unable to parse string as an integer - at `$.user_id`",
        ),
        (list[Child], [{"child_name": "a"}, {}], "Field required - at `$[1].child_name`"),
        (Annotated[int, pydantic.Field(gt=0)], -1, "Input should be greater than 0"),
        (Model, {}, r"Field required (and 1 more) - at `$.user_id`"),
    ],
)
def test_what_does_not_fit_is_told_without_the_value(
    type_: Any, sent: Any, text: str, protocol: ProtocolName, payloads: Payloads
) -> None:
    encode = msgspec.json.encode if protocol == "json" else msgspec.msgpack.encode
    with pytest.raises(BindError) as caught:
        binder(payloads, protocol).decoder(type_)(encode(sent))
    assert str(caught.value) == text


class Numbers(pydantic.BaseModel):
    real_number: float
    money: Decimal = Decimal(1)


@pytest.mark.parametrize("payloads", STYLES)
def test_no_number_in_a_model_is_an_error_too(payloads: Payloads) -> None:
    write = binder(payloads, "json").encoder()
    assert b"1.5" in write(Numbers(real_number=1.5))
    for value in (Numbers(real_number=float("nan")), [Numbers(real_number=float("inf"))]):
        with pytest.raises(EncodeError, match="no JSON numbers"):
            write(value)


class Foreign(msgspec.Struct):
    """Nothing pydantic knows."""


def test_what_pydantic_cannot_read_is_found_when_declared() -> None:
    with pytest.raises(MappingError, match="pydantic cannot read"):
        binder(PYTHON, "json").decoder(Model | Foreign)
