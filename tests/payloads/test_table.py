"""Every type there and back: its bytes, an equal value, of the declared class."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest

from hubstream.payloads import DOTNET, PYTHON, Payloads, ProtocolName, binder
from tests.payloads.samples import ROWS, Node, Point, Row, Shape

STYLES = [pytest.param(PYTHON, id="python"), pytest.param(DOTNET, id="dotnet")]
PROTOCOLS: list[ProtocolName] = ["json", "messagepack"]


class_of: Callable[[Any], Any] = type


def expected(row: Row, protocol: ProtocolName, payloads: Payloads) -> bytes:
    dotnet = payloads is DOTNET
    return row.json[dotnet].encode() if protocol == "json" else msgspec.msgpack.encode(row.messagepack[dotnet])


def classes(value: Any) -> Iterator[type]:
    """The class of a value and of everything in it, in order."""
    cls = class_of(value)
    yield cls
    inner: list[Any]
    if issubclass(cls, dict):
        inner = [*value, *value.values()]
    elif issubclass(cls, (list, tuple, set, frozenset)):
        inner = list(value)
    elif dataclasses.is_dataclass(value):
        inner = [getattr(value, f.name) for f in dataclasses.fields(value)]
    elif isinstance(value, msgspec.Struct):
        inner = list(msgspec.structs.astuple(value))
    else:
        inner = []
    for item in inner:
        yield from classes(item)


@pytest.mark.parametrize("payloads", STYLES)
@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_declared_values_go_there_and_back(row: Row, protocol: ProtocolName, payloads: Payloads) -> None:
    carrier = binder(payloads, protocol)
    encoded = carrier.encoder(row.type)(row.value)
    assert encoded == expected(row, protocol, payloads)
    read = carrier.decoder(row.type)(msgspec.Raw(encoded))
    wanted = row.back.get((protocol, payloads), row.value)
    assert read == wanted
    if row.name != "datetime with an offset":
        assert list(classes(read)) == list(classes(wanted))


@pytest.mark.parametrize("payloads", STYLES)
@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("row", [r for r in ROWS if "TypedDict" not in r.name], ids=lambda row: row.name)
def test_an_undeclared_value_is_written_by_its_own_class(row: Row, protocol: ProtocolName, payloads: Payloads) -> None:
    carrier = binder(payloads, protocol)
    assert carrier.encoder()(row.value) == expected(row, protocol, payloads)
    item_type: Any = row.type
    assert carrier.encoder()([row.value]) == carrier.encoder(list[item_type])([row.value])


@pytest.mark.parametrize("payloads", STYLES)
@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_all_of_them_as_arguments(row: Row, protocol: ProtocolName, payloads: Payloads) -> None:
    carrier = binder(payloads, protocol)
    first: Any = row.type
    array = carrier.encoder(tuple[first, int])((row.value, 7))
    wanted = (row.back.get((protocol, payloads), row.value), 7)
    assert carrier.arguments((row.type, int), 2)(array) == wanted
    assert carrier.arguments((row.type, int, row.type), 2)(array) == wanted


def test_msgspecs_own_method_is_used_where_it_suffices() -> None:
    for protocol in PROTOCOLS:
        carrier = binder(PYTHON, protocol)
        module: Any = msgspec.json if protocol == "json" else msgspec.msgpack
        for type_ in (int, str, list[int], dict[str, int], int | None, Node):
            assert type(carrier.decoder(type_)) is type(module.Decoder(type_).decode)
            assert type(carrier.encoder(type_)) is type(module.Encoder().encode)


@pytest.mark.parametrize("payloads", STYLES)
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_default_that_was_left_out_is_written(protocol: ProtocolName, payloads: Payloads) -> None:
    """msgspec leaves it to the class, and then does not write it."""
    carrier = binder(payloads, protocol)
    x, y, label = ("X", "Y", "Label") if payloads is DOTNET and protocol == "messagepack" else ("x", "y", "label")
    point = carrier.decoder(Point)(carrier.encoder()({x: 1, y: 2}))
    assert point == Point(1, 2)
    assert carrier.encoder(Point)(point) == carrier.encoder()({x: 1, y: 2, label: None})
    assert carrier.encoder()([point]) == carrier.encoder(list[Point])([Point(1, 2)])


def test_a_binder_and_what_it_made_are_kept() -> None:
    assert binder(PYTHON, "json") is binder(Payloads(), "json")
    assert binder(DOTNET, "json") is not binder(PYTHON, "json")
    carrier = binder(DOTNET, "messagepack")
    for type_ in (int, Shape, list[int], dict[str, bytes] | None):
        assert carrier.decoder(type_) is carrier.decoder(type_)
        assert carrier.encoder(type_) is carrier.encoder(type_)
    assert carrier.encoder() is carrier.encoder(None)
