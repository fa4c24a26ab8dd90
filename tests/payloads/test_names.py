"""Members' names both ways, and the class that is made: by its own constructor, with its own defaults."""

from __future__ import annotations

import json
from dataclasses import KW_ONLY, dataclass, field
from datetime import timedelta
from typing import Annotated, Any, ClassVar, Required, TypedDict

import attrs
import msgspec
import pytest

from hubstream.errors import MappingError
from hubstream.payloads import BINDING_ERRORS, DOTNET, PYTHON, BindError, Payloads, binder, describe
from tests.payloads.samples import Circle, Colour, Crate, Line, Node, Options, Pair, Point, Sparse, Square

MADE: list[str] = []


@dataclass
class Careful:
    first_value: int
    second_value: int = 5
    tags_seen: list[str] = field(default_factory=lambda: ["new"])
    total_value: int = field(init=False, default=0)
    shared: ClassVar[int] = 3

    def __post_init__(self) -> None:
        MADE.append("Careful")
        if self.first_value < 0:
            raise ValueError("first_value is negative")
        self.total_value = self.first_value + self.second_value


@dataclass
class Late:
    needed_one: int
    _: KW_ONLY
    extra_one: int = 1
    needed_two: int


class Strict(msgspec.Struct, forbid_unknown_fields=True):
    a_value: int


class Checked(msgspec.Struct):
    low_end: int
    high_end: int = 10

    def __post_init__(self) -> None:
        if self.low_end > self.high_end:
            raise ValueError("low_end is above high_end")


class Partial(msgspec.Struct):
    given_one: int | msgspec.UnsetType = msgspec.UNSET
    other_one: int = 2


class Deep(TypedDict, total=False):
    deep_name: Required[str]
    deep_points: list[Point]
    deep_self: Deep


@attrs.define
class Guarded:
    low_end: int = attrs.field(validator=attrs.validators.ge(0))
    items_seen: list[int] = attrs.field(factory=list)
    top_end: int = attrs.field(init=False, default=9)
    doubled: int = attrs.field(default=attrs.Factory(lambda self: self.low_end * 2, takes_self=True), kw_only=True)


@dataclass
class Empty:
    pass


@dataclass
class One:
    only_one: int


@dataclass
class Loose:
    any_value: Any
    bare_list: list  # type: ignore[type-arg]  # a bare one, on purpose
    by_name: dict[str, Any]


def read(type_: Any, sent: Any, payloads: Payloads = DOTNET) -> Any:
    return binder(payloads, "json").decoder(type_)(json.dumps(sent).encode())


def written(value: Any, type_: Any = None, payloads: Payloads = DOTNET) -> Any:
    return json.loads(binder(payloads, "json").encoder(type_)(value))


@pytest.mark.parametrize(
    ("type_", "sent", "value"),
    [
        (Careful, {"firstValue": 1}, Careful(1)),
        (Careful, {"firstValue": 1, "secondValue": 2, "tagsSeen": []}, Careful(1, 2, [])),
        (Careful, {"firstValue": 1, "totalValue": 99, "unknown": [1]}, Careful(1)),
        (Late, {"neededOne": 1, "neededTwo": 2}, Late(1, needed_two=2)),
        (Late, {"neededOne": 1, "neededTwo": 2, "extraOne": 3}, Late(1, extra_one=3, needed_two=2)),
        (Line, {"startPoint": {"x": 1, "y": 2}}, Line(start_point=Point(1, 2))),
        (Checked, {"lowEnd": 3}, Checked(3)),
        (Partial, {}, Partial()),
        (Partial, {"givenOne": 1}, Partial(1)),
        (Sparse, {"otherValue": 1}, Sparse(other_value=1)),
        (Guarded, {"lowEnd": 2}, Guarded(2)),
        (Guarded, {"lowEnd": 2, "doubled": 5, "itemsSeen": [1]}, Guarded(2, [1], doubled=5)),
        (Deep, {"deepName": "a", "deepSelf": {"deepName": "b"}}, {"deep_name": "a", "deep_self": {"deep_name": "b"}}),
        (Deep, {"deepName": "a", "deepPoints": [{"x": 1, "y": 2}]}, {"deep_name": "a", "deep_points": [Point(1, 2)]}),
        (list[Node], [{"nodeName": "a"}], [Node("a")]),
        (Circle | Square | None, {"type": "Circle", "radiusMm": 3}, Circle(3)),
        (dict[str, Circle | Square], {"a_b": {"type": "Square", "sideMm": 3}}, {"a_b": Square(3)}),
        (
            Crate[Crate[int]],
            {"innerValue": {"innerValue": 1, "moreValues": []}, "moreValues": []},
            Crate(Crate(1, []), []),
        ),
        (Annotated[list[Point], msgspec.Meta(max_length=1)], [{"x": 1, "y": 2}], [Point(1, 2)]),
        (Empty, {}, Empty()),
        (One, {"onlyOne": 1}, One(1)),
        (
            Loose,
            {"anyValue": {"a_b": 1}, "bareList": [1], "byName": {"c_d": {"e_f": 1}}},
            Loose({"a_b": 1}, [1], {"c_d": {"e_f": 1}}),
        ),
    ],
)
def test_the_declared_class_is_made(type_: Any, sent: Any, value: Any) -> None:
    made = read(type_, sent)
    assert made == value
    assert type(made) is type(value)


def test_the_constructor_runs_once_for_each() -> None:
    MADE.clear()
    read(list[Careful], [{"firstValue": 1}, {"firstValue": 2}])
    assert MADE == ["Careful", "Careful"]


@pytest.mark.parametrize(
    ("value", "type_", "json_"),
    [
        (Careful(1, 2, []), None, {"firstValue": 1, "secondValue": 2, "tagsSeen": [], "totalValue": 3}),
        (Late(1, needed_two=2), None, {"neededOne": 1, "extraOne": 1, "neededTwo": 2}),
        (Partial(), None, {"otherOne": 2}),
        (Sparse(other_value=1), None, {"otherValue": 1}),
        (Sparse(other_value=1, some_value=2), None, {"otherValue": 1, "someValue": 2}),
        (Empty(), None, {}),
        (One(1), None, {"onlyOne": 1}),
        ({"max_count": 1}, None, {"max_count": 1}),
        ({"max_count": 1, "beyond": One(1)}, Options, {"maxCount": 1, "beyond": {"onlyOne": 1}}),
        ({"deep_name": "a", "deep_self": {"deep_name": "b"}}, Deep, {"deepName": "a", "deepSelf": {"deepName": "b"}}),
        ([{"max_count": 1}], list[Options], [{"maxCount": 1}]),
        ({"max_count": 1}, Options | list[int], {"maxCount": 1}),
        ({"a_b": One(1)}, dict[str, One], {"a_b": {"onlyOne": 1}}),
        ({"a_b": [One(1), {"c_d": (One(3),)}]}, None, {"a_b": [{"onlyOne": 1}, {"c_d": [{"onlyOne": 3}]}]}),
        (Loose(One(1), [One(2)], {"a_b": One(3)}), None,
         {"anyValue": {"onlyOne": 1}, "bareList": [{"onlyOne": 2}], "byName": {"a_b": {"onlyOne": 3}}}),
        (Pair(1, Colour.RED), None, [1, 1]),
        (One(1), Point, {"onlyOne": 1}),
        (None, Point, None),
        ("text", list[Point], "text"),
        ((One(1), 2, 3), tuple[One, int], [{"onlyOne": 1}, 2, 3]),
        ([timedelta(1)], dict[str, timedelta], ["1.00:00:00"]),
        ({"a": timedelta(1)}, list[timedelta], {"a": "1.00:00:00"}),
    ],
)  # fmt: skip
def test_what_is_written(value: Any, type_: Any, json_: Any) -> None:
    assert written(value, type_) == json_


@dataclass
class PointIn3(Point):
    z_value: int = 0


def test_a_subclass_is_written_whole() -> None:
    wanted = {"x": 1, "y": 2, "label": None, "zValue": 3}
    for type_ in (Point, list[Point], None):
        value = PointIn3(1, 2, z_value=3)
        assert written([value] if type_ == list[Point] else value, type_) == (
            [wanted] if type_ == list[Point] else wanted
        )


@pytest.mark.parametrize(
    ("type_", "sent", "text"),
    [
        (Careful, {"first_value": 1}, "Object missing required field `firstValue`"),
        (Careful, {"FirstValue": 1}, "Object missing required field `firstValue`"),
        (Careful, {"firstValue": "1"}, "Expected `int`, got `str` - at `$.firstValue`"),
        (Careful, {"firstValue": -1}, "first_value is negative"),
        (list[Careful], [{"firstValue": 1}, {"firstValue": -1}], "first_value is negative - at `$[1]`"),
        (dict[str, list[Careful]], {"a": [{"firstValue": -1}]}, "first_value is negative - at `$.a[0]`"),
        (
            Node,
            {"nodeName": "a", "subNodes": [{"nodeName": 1}]},
            "Expected `str`, got `int` - at `$.subNodes[0].nodeName`",
        ),
        (Strict, {"aValue": 1, "more": 2}, "Object contains unknown field `more`"),
        (Checked, {"lowEnd": 30}, "low_end is above high_end"),
        (Guarded, {"lowEnd": -1}, "'low_end' must be >= 0: -1"),
        (Annotated[list[Point], msgspec.Meta(max_length=1)], [{"x": 1, "y": 2}] * 2, "Expected `array` of length <= 1"),
        (Circle | Square, {"type": "Line"}, "Invalid value - at `$.type`"),
    ],
)
def test_what_does_not_fit(type_: Any, sent: Any, text: str) -> None:
    with pytest.raises(BINDING_ERRORS) as caught:
        read(type_, sent)
    assert isinstance(caught.value, (BindError, msgspec.ValidationError))
    assert describe(caught.value) == text


class Bug(Exception):
    """What user code may raise."""


@dataclass
class Buggy:
    a_value: int

    def __post_init__(self) -> None:
        raise Bug("with a secret")


@pytest.mark.parametrize("payloads", [PYTHON, DOTNET], ids=["python", "dotnet"])
def test_a_class_that_fails_in_its_own_way(payloads: Payloads) -> None:
    with pytest.raises(BINDING_ERRORS) as caught:
        read(Buggy, {"a_value": 1, "aValue": 1}, payloads)
    assert describe(caught.value) == "Bug"


@dataclass
class Colliding:
    user_id: int
    userId: int  # noqa: N815 - two spellings of one name, on purpose


@dataclass
class Unresolved:
    a_value: NotDefinedAnywhere  # type: ignore[name-defined] # noqa: F821 - on purpose


def test_mistakes_are_found_when_the_type_is_declared() -> None:
    with pytest.raises(MappingError, match="two members are both written as 'userId'"):
        binder(DOTNET, "json").decoder(Colliding)
    binder(PYTHON, "json").decoder(Colliding)
    for payloads in (PYTHON, DOTNET):
        with pytest.raises(MappingError, match=r"Unresolved: name 'NotDefinedAnywhere'.*define or import"):
            binder(payloads, "json").decoder(list[Unresolved])


@pytest.mark.parametrize("rename", ["camel", "pascal", "lower", "upper", "kebab"])
def test_a_structs_own_spelling_wins(rename: Any) -> None:
    struct = msgspec.defstruct("struct", [("X", int), ("some_value", int)], rename=rename)
    for protocol in ("json", "messagepack"):
        value = struct(1, 2)
        assert binder(DOTNET, protocol).encoder()(value) == binder(PYTHON, protocol).encoder()(value)


def test_names_without_values_and_values_without_names() -> None:
    names_only = Payloads(json_names="camel", messagepack_names="pascal")
    values_only = Payloads(values="dotnet")
    value = Loose(timedelta(seconds=1), [], {})
    assert written(value, None, names_only)["anyValue"] == "PT1S"
    assert written(value, None, values_only)["any_value"] == "00:00:01"
    assert binder(names_only, "messagepack").encoder(Colour)(Colour.RED) == b"\x01"
    assert binder(values_only, "messagepack").encoder(Pair)(Pair(1, Colour.RED)) == b"\x92\x01\xa3RED"
