"""What .NET itself writes, recorded from the hub protocols of ASP.NET Core SignalR 10.0.12: read as the value it is.

Where `exact`, ours writes the same bytes. It does not where .NET has more digits or a form that ours only reads.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from hubstream.payloads import DOTNET, PYTHON, ProtocolName, binder
from tests.payloads.samples import DAY, GUID, NOON, NOON_EAST, Access, Colour, Point


@dataclass
class Event:
    at: datetime
    took: timedelta
    the_colour: Colour
    all_points: list[Point]
    money: Decimal
    some_id: UUID
    data: bytes
    by_name: dict[str, Point]


EVENT = Event(
    NOON_EAST, timedelta(seconds=1.5), Colour.RED, [Point(1, 2)], Decimal("1.5"), GUID, b"\x01", {"a_b": Point(3, 0)}
)
EVENT_JSON = (
    '{"at":"2026-11-23T14:05:06.789+02:00","took":"00:00:01.5000000","theColour":1,'
    '"allPoints":[{"x":1,"y":2,"label":null}],"money":1.5,"someId":"0e8f2a6c-4d1b-4a7e-9c3d-5b6a7f8e9d0c","data":"AQ==",'
    '"byName":{"a_b":{"x":3,"y":0,"label":null}}}'
)
EVENT_HEX = (
    "88a2417492d7ffbc1cbd006b04481278a4546f6f6bce00e4e1c0a9546865436f6c6f7572a3524544a9416c6c506f696e74739183a15801a15902"
    "a54c6162656cc0a54d6f6e6579a3312e35a6536f6d654964d924306538663261"
    "36632d346431622d346137652d396333642d356236613766386539643063a444617461c40101a642794e616d6581a3615f6283a15803a15900a5"
    "4c6162656cc0"
)
RECORDED: list[tuple[ProtocolName, str, Any, bool]] = [
    ("json", '"2026-11-23T14:05:06.789+02:00"', NOON_EAST, True),
    ("messagepack", "92d7ffbc1cbd006b04481278", NOON_EAST, False),
    ("json", '"2026-11-23T12:05:06.789Z"', NOON, True),
    ("messagepack", "d7ffbc1cbd006b042bf2", NOON, True),
    ("json", '"2026-11-23T12:05:06.789"', NOON.replace(tzinfo=None), True),
    ("json", '"1.02:03:04.5000000"', DAY, True),
    ("messagepack", "cf000000da5beb0740", DAY, True),
    ("json", '"-1.02:03:04.5000000"', -DAY, True),
    ("messagepack", "d3ffffff25a414f8c0", -DAY, True),
    ("json", '"00:00:00"', timedelta(0), True),
    ("messagepack", "00", timedelta(0), True),
    ("json", "1.10", Decimal("1.10"), True),
    ("messagepack", "a4312e3130", Decimal("1.10"), True),
    ("json", '"0e8f2a6c-4d1b-4a7e-9c3d-5b6a7f8e9d0c"', GUID, True),
    ("messagepack", "d92430653866326136632d346431622d346137652d396333642d356236613766386539643063", GUID, True),
    ("json", "2", Colour.BLUE, True),
    ("messagepack", "a4424c5545", Colour.BLUE, True),
    ("json", "3", Access.READ | Access.WRITE, True),
    ("messagepack", "ab524541442c205752495445", Access.READ | Access.WRITE, True),
    ("json", "0", Access(0), True),
    ("messagepack", "a130", Access(0), True),
    ("json", '"AP8="', b"\x00\xff", True),
    ("messagepack", "c40200ff", b"\x00\xff", True),
    ("json", '"2026-11-23"', date(2026, 11, 23), True),
    ("messagepack", "ce000b4a66", date(2026, 11, 23), True),
    ("json", '"04:05:06.7890000"', time(4, 5, 6, 789000), False),
    ("messagepack", "cf000000223dede950", time(4, 5, 6, 789000), True),
    ("json", '{"x":1,"y":-2,"label":"a"}', Point(1, -2, "a"), True),
    ("messagepack", "83a15801a159fea54c6162656ca161", Point(1, -2, "a"), True),
    ("json", EVENT_JSON, EVENT, True),
    ("messagepack", EVENT_HEX, EVENT, False),
]


class_of: Callable[[Any], Any] = type


@pytest.mark.parametrize(("protocol", "text", "value", "exact"), RECORDED)
def test_recorded(protocol: ProtocolName, text: str, value: Any, exact: bool) -> None:
    written = text.encode() if protocol == "json" else bytes.fromhex(text)
    carrier = binder(DOTNET, protocol)
    cls = class_of(value)
    read = carrier.decoder(cls)(written)
    assert read == value
    assert type(read) is type(value)
    if isinstance(value, datetime):
        assert read.utcoffset() == value.utcoffset()
    if not isinstance(value, (Point, Event)):
        assert binder(PYTHON, protocol).decoder(cls)(written) == value
    assert (carrier.encoder()(value) == written) is exact
