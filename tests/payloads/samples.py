"""A row per type: a value, and its bytes in each protocol and style."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum, IntFlag, StrEnum
from typing import Annotated, Any, Generic, Literal, NamedTuple, NewType, NotRequired, Optional, TypedDict, TypeVar
from uuid import UUID

import attrs
import msgspec

from hubstream.payloads import DOTNET, PYTHON, Payloads, ProtocolName

T = TypeVar("T")
UserId = NewType("UserId", int)


@dataclass
class Point:
    x: int
    y: int
    label: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    start_point: Point
    all_points: list[Point] = field(default_factory=list)
    by_name: dict[str, Point] = field(default_factory=dict)


@dataclass
class Node:
    node_name: str
    sub_nodes: list[Node] = field(default_factory=list)


@dataclass
class Event:
    at: datetime
    took: timedelta
    colour: Colour


class Shape(msgspec.Struct):
    side_count: int
    centre: Point | None = None


class Circle(msgspec.Struct, tag=True):
    radius_mm: int


class Square(msgspec.Struct, tag=True):
    side_mm: int


class Aliased(msgspec.Struct):
    first_name: str
    last_name: str = msgspec.field(name="surname")


class Renamed(msgspec.Struct, rename="kebab"):
    x: int
    first_name: str


class Packed(msgspec.Struct, array_like=True):
    first_one: int
    when: timedelta


class Sparse(msgspec.Struct, omit_defaults=True, kw_only=True):
    some_value: int = 1
    other_value: int


class Box(msgspec.Struct, Generic[T]):
    inner_value: T


@dataclass
class Crate(Generic[T]):
    inner_value: T
    more_values: list[T]


@dataclass
class PointCrate(Crate[Point]):
    extra_value: int


class Options(TypedDict):
    max_count: int
    sort_by: NotRequired[Point]


class Pair(NamedTuple):
    left: int
    right: Colour


@attrs.define
class Person:
    full_name: str
    _secret: int = attrs.field(default=0, eq=False)
    home: Point | None = None


class Colour(IntEnum):
    RED = 1
    BLUE = 2


class Mood(Enum):
    GOOD = "fine"
    BAD = "awful"


class Size(StrEnum):
    BIG = "b"


class Access(IntFlag):
    READ = 1
    WRITE = 2


@dataclass(frozen=True)
class Row:
    """`json` and `messagepack` are (python, dotnet); MessagePack as builtins. `back` is what is read where it is not `value`."""

    name: str
    type: Any
    value: Any
    json: tuple[str, str]
    messagepack: tuple[Any, Any]
    back: dict[tuple[ProtocolName, Payloads], Any] = field(default_factory=dict)


def same(name: str, type_: Any, value: Any, json: str, messagepack: Any = ...) -> Row:
    packed = value if messagepack is ... else messagepack
    return Row(name, type_, value, (json, json), (packed, packed))


def _utc_in_messagepack(value: Any) -> dict[tuple[ProtocolName, Payloads], Any]:
    return {("messagepack", PYTHON): value, ("messagepack", DOTNET): value}


NOON = datetime(2026, 11, 23, 12, 5, 6, 789000, tzinfo=UTC)
NOON_EAST = datetime(2026, 11, 23, 14, 5, 6, 789000, tzinfo=timezone(timedelta(hours=2)))
GUID = UUID("0e8f2a6c-4d1b-4a7e-9c3d-5b6a7f8e9d0c")
POINT = Point(1, -2, "a")
POINT_JSON = '{"x":1,"y":-2,"label":"a"}'
POINT_MAP = {"x": 1, "y": -2, "label": "a"}
POINT_DOTNET = {"X": 1, "Y": -2, "Label": "a"}
NO_NODES: list[Any] = []
DAY = timedelta(days=1, hours=2, minutes=3, seconds=4, microseconds=500_000)
DAY_TICKS = 937_845_000_000

ROWS = [
    same("none", type(None), None, "null"),
    same("bool", bool, True, "true"),
    same("int", int, -42, "-42"),
    same("int of 64 bits", int, 2**64 - 1, "18446744073709551615"),
    same("float", float, 2.5, "2.5"),
    same("str", str, "é😀\n", '"é😀\\n"'),
    same("bytes", bytes, b"\x00\xff", '"AP8="'),
    same("bytearray", bytearray, bytearray(b"\x00\xff"), '"AP8="'),
    same("list", list[int], [1, 2], "[1,2]"),
    same("bare list", list, [1, "a", None], '[1,"a",null]'),
    same("tuple", tuple[int, str], (1, "a"), '[1,"a"]'),
    same("tuple of any length", tuple[int, ...], (1, 2), "[1,2]"),
    same("set", set[int], {7}, "[7]", [7]),
    same("frozenset", frozenset[int], frozenset({7}), "[7]", [7]),
    same("dict", dict[str, int], {"a_b": 1}, '{"a_b":1}'),
    same("any", Any, {"a_b": [1, None]}, '{"a_b":[1,null]}'),
    same("optional", int | None, 3, "3"),
    same("optional, absent", Optional[int], None, "null"),  # noqa: UP045 - the older spelling is read too
    same("union", int | str | list[int], [1], "[1]"),
    same("literal", Literal["a", "b"], "b", '"b"'),
    same("new type", UserId, UserId(7), "7"),
    same("constrained", Annotated[int, msgspec.Meta(gt=0)], 7, "7"),
    same("uuid", UUID, GUID, '"0e8f2a6c-4d1b-4a7e-9c3d-5b6a7f8e9d0c"', str(GUID)),
    Row("date", date, date(2026, 11, 23), ('"2026-11-23"', '"2026-11-23"'), ("2026-11-23", 739942)),
    Row(
        "time",
        time,
        time(4, 5, 6, 789000),
        ('"04:05:06.789000"', '"04:05:06.789000"'),
        ("04:05:06.789000", 147_067_890_000),
    ),
    Row(
        "dates and times",
        tuple[date, time | None],
        (date.min, time.min),
        ('["0001-01-01","00:00:00"]', '["0001-01-01","00:00:00"]'),
        (["0001-01-01", "00:00:00"], [0, 0]),
    ),
    Row(
        "aware datetime",
        datetime,
        NOON,
        ('"2026-11-23T12:05:06.789000Z"', '"2026-11-23T12:05:06.789Z"'),
        (NOON, NOON),
    ),
    same("datetime with all its digits", datetime, NOON.replace(microsecond=1), '"2026-11-23T12:05:06.000001Z"'),
    same("datetime of a whole second", datetime, NOON.replace(microsecond=0), '"2026-11-23T12:05:06Z"'),
    Row(
        "datetime with an offset",
        datetime,
        NOON_EAST,
        ('"2026-11-23T14:05:06.789000+02:00"', '"2026-11-23T14:05:06.789+02:00"'),
        (NOON, NOON),
    ),
    Row(
        "naive datetime",
        datetime,
        NOON.replace(tzinfo=None),
        ('"2026-11-23T12:05:06.789000"', '"2026-11-23T12:05:06.789"'),
        (NOON, NOON),
        _utc_in_messagepack(NOON),
    ),
    Row("timedelta", timedelta, DAY, ('"P1DT7384.5S"', '"1.02:03:04.5000000"'), ("P1DT7384.5S", DAY_TICKS)),
    Row(
        "negative timedelta", timedelta, -DAY, ('"-P1DT7384.5S"', '"-1.02:03:04.5000000"'), ("-P1DT7384.5S", -DAY_TICKS)
    ),
    Row("timedelta, optional", timedelta | None, timedelta(seconds=1), ('"PT1S"', '"00:00:01"'), ("PT1S", 10_000_000)),
    Row("timedelta or list", timedelta | list[int], timedelta(0), ('"P0D"', '"00:00:00"'), ("P0D", 0)),
    Row("decimal", Decimal, Decimal("1.10"), ('"1.10"', "1.10"), ("1.10", "1.10")),
    Row("int enum", Colour, Colour.BLUE, ("2", "2"), (2, "BLUE")),
    Row("str-valued enum", Mood, Mood.GOOD, ('"fine"', '"fine"'), ("fine", "GOOD")),
    Row("str enum", Size, Size.BIG, ('"b"', '"b"'), ("b", "BIG")),
    Row("flags", Access, Access.READ | Access.WRITE, ("3", "3"), (3, "READ, WRITE")),
    Row("no flag", Access, Access(0), ("0", "0"), (0, "0")),
    Row("enums", list[Colour], [Colour.RED], ("[1]", "[1]"), ([1], ["RED"])),
    Row("set of enums", set[Colour], {Colour.RED}, ("[1]", "[1]"), ([1], ["RED"])),
    Row("enum or none", Colour | None, Colour.RED, ("1", "1"), (1, "RED")),
    Row("tuple of enums", tuple[Colour, ...], (Colour.RED,), ("[1]", "[1]"), ([1], ["RED"])),
    Row("enum or span", Colour | timedelta, Colour.RED, ("1", "1"), (1, "RED")),
    Row("enum or literal number", Mood | Literal[7], Mood.BAD, ('"awful"', '"awful"'), ("awful", "BAD")),
    Row(
        "datetime or array",
        datetime | Packed,
        NOON,
        ('"2026-11-23T12:05:06.789000Z"', '"2026-11-23T12:05:06.789Z"'),
        (NOON, NOON),
    ),
    Row("datetime or NamedTuple", datetime | Pair, Pair(1, Colour.RED), ("[1,1]", "[1,1]"), ([1, 1], [1, "RED"])),
    Row("enum keys", dict[Colour, int], {Colour.RED: 5}, ('{"1":5}', '{"RED":5}'), ({1: 5}, {"RED": 5})),
    Row(
        "flag keys",
        dict[Access, int],
        {Access.READ | Access.WRITE: 5},
        ('{"3":5}', '{"READ, WRITE":5}'),
        ({3: 5}, {"READ, WRITE": 5}),
    ),
    Row(
        "keys of a str-valued enum",
        dict[Mood, int],
        {Mood.GOOD: 5},
        ('{"fine":5}', '{"GOOD":5}'),
        ({"fine": 5}, {"GOOD": 5}),
    ),
    Row("dataclass", Point, POINT, (POINT_JSON, POINT_JSON), (POINT_MAP, POINT_DOTNET)),
    Row("dataclass, optional", Point | None, POINT, (POINT_JSON, POINT_JSON), (POINT_MAP, POINT_DOTNET)),
    Row("dataclass or int", Point | int, POINT, (POINT_JSON, POINT_JSON), (POINT_MAP, POINT_DOTNET)),
    Row("dataclasses", list[Point], [POINT], (f"[{POINT_JSON}]", f"[{POINT_JSON}]"), ([POINT_MAP], [POINT_DOTNET])),
    Row(
        "dict of dataclasses",
        dict[str, Point],
        {"a_key": POINT},
        (f'{{"a_key":{POINT_JSON}}}', f'{{"a_key":{POINT_JSON}}}'),
        ({"a_key": POINT_MAP}, {"a_key": POINT_DOTNET}),
    ),
    Row(
        "tuple with a dataclass",
        tuple[Point, Colour, int],
        (POINT, Colour.RED, 3),
        (f"[{POINT_JSON},1,3]", f"[{POINT_JSON},1,3]"),
        ([POINT_MAP, 1, 3], [POINT_DOTNET, "RED", 3]),
    ),
    Row(
        "nested dataclass",
        Line,
        Line(start_point=POINT, all_points=[POINT], by_name={"a_key": POINT}),
        (
            f'{{"start_point":{POINT_JSON},"all_points":[{POINT_JSON}],"by_name":{{"a_key":{POINT_JSON}}}}}',
            f'{{"startPoint":{POINT_JSON},"allPoints":[{POINT_JSON}],"byName":{{"a_key":{POINT_JSON}}}}}',
        ),
        (
            {"start_point": POINT_MAP, "all_points": [POINT_MAP], "by_name": {"a_key": POINT_MAP}},
            {"StartPoint": POINT_DOTNET, "AllPoints": [POINT_DOTNET], "ByName": {"a_key": POINT_DOTNET}},
        ),
    ),
    Row(
        "dataclass that holds itself",
        Node,
        Node("a", [Node("b")]),
        (
            '{"node_name":"a","sub_nodes":[{"node_name":"b","sub_nodes":[]}]}',
            '{"nodeName":"a","subNodes":[{"nodeName":"b","subNodes":[]}]}',
        ),
        (
            {"node_name": "a", "sub_nodes": [{"node_name": "b", "sub_nodes": NO_NODES}]},
            {"NodeName": "a", "SubNodes": [{"NodeName": "b", "SubNodes": NO_NODES}]},
        ),
    ),
    Row(
        "dataclass with values",
        Event,
        Event(NOON, timedelta(seconds=1), Colour.RED),
        (
            '{"at":"2026-11-23T12:05:06.789000Z","took":"PT1S","colour":1}',
            '{"at":"2026-11-23T12:05:06.789Z","took":"00:00:01","colour":1}',
        ),
        (
            {"at": NOON, "took": "PT1S", "colour": 1},
            {"At": NOON, "Took": 10_000_000, "Colour": "RED"},
        ),
    ),
    Row(
        "struct",
        Shape,
        Shape(4, POINT),
        (f'{{"side_count":4,"centre":{POINT_JSON}}}', f'{{"sideCount":4,"centre":{POINT_JSON}}}'),
        ({"side_count": 4, "centre": POINT_MAP}, {"SideCount": 4, "Centre": POINT_DOTNET}),
    ),
    Row(
        "tagged structs",
        Circle | Square,
        Square(4),
        ('{"type":"Square","side_mm":4}', '{"type":"Square","sideMm":4}'),
        ({"type": "Square", "side_mm": 4}, {"type": "Square", "SideMm": 4}),
    ),
    Row(
        "struct with an alias",
        Aliased,
        Aliased("A", "B"),
        ('{"first_name":"A","surname":"B"}', '{"firstName":"A","surname":"B"}'),
        ({"first_name": "A", "surname": "B"}, {"FirstName": "A", "surname": "B"}),
    ),
    same(
        "struct with its own spelling",
        Renamed,
        Renamed(1, "A"),
        '{"x":1,"first-name":"A"}',
        {"x": 1, "first-name": "A"},
    ),
    Row(
        "struct as an array",
        Packed,
        Packed(1, timedelta(seconds=1)),
        ('[1,"PT1S"]', '[1,"00:00:01"]'),
        ([1, "PT1S"], [1, 10_000_000]),
    ),
    Row(
        "struct without its defaults",
        Sparse,
        Sparse(some_value=1, other_value=2),
        ('{"other_value":2}', '{"otherValue":2}'),
        ({"other_value": 2}, {"OtherValue": 2}),
    ),
    Row(
        "generic struct",
        Box[Point],
        Box(POINT),
        (f'{{"inner_value":{POINT_JSON}}}', f'{{"innerValue":{POINT_JSON}}}'),
        ({"inner_value": POINT_MAP}, {"InnerValue": POINT_DOTNET}),
    ),
    Row(
        "generic dataclass",
        Crate[Colour],
        Crate(Colour.RED, [Colour.BLUE]),
        ('{"inner_value":1,"more_values":[2]}', '{"innerValue":1,"moreValues":[2]}'),
        ({"inner_value": 1, "more_values": [2]}, {"InnerValue": "RED", "MoreValues": ["BLUE"]}),
    ),
    Row(
        "dataclass with a generic base",
        PointCrate,
        PointCrate(POINT, [], 3),
        (
            f'{{"inner_value":{POINT_JSON},"more_values":[],"extra_value":3}}',
            f'{{"innerValue":{POINT_JSON},"moreValues":[],"extraValue":3}}',
        ),
        (
            {"inner_value": POINT_MAP, "more_values": [], "extra_value": 3},
            {"InnerValue": POINT_DOTNET, "MoreValues": [], "ExtraValue": 3},
        ),
    ),
    Row(
        "TypedDict",
        Options,
        {"max_count": 1, "sort_by": POINT},
        (f'{{"max_count":1,"sort_by":{POINT_JSON}}}', f'{{"maxCount":1,"sortBy":{POINT_JSON}}}'),
        ({"max_count": 1, "sort_by": POINT_MAP}, {"MaxCount": 1, "SortBy": POINT_DOTNET}),
    ),
    Row(
        "TypedDict without what may be left out",
        Options | None,
        {"max_count": 1},
        ('{"max_count":1}', '{"maxCount":1}'),
        ({"max_count": 1}, {"MaxCount": 1}),
    ),
    Row("NamedTuple", Pair, Pair(1, Colour.RED), ("[1,1]", "[1,1]"), ([1, 1], [1, "RED"])),
    Row(
        "attrs class",
        Person,
        Person("A", 3, POINT),
        (f'{{"full_name":"A","home":{POINT_JSON}}}', f'{{"fullName":"A","home":{POINT_JSON}}}'),
        (
            {"full_name": "A", "home": POINT_MAP},
            {"FullName": "A", "Home": POINT_DOTNET},
        ),
    ),
]
