"""What annotations say, whatever they are wrapped in."""

from __future__ import annotations

from datetime import datetime
from types import NoneType
from typing import Annotated, Any, Generic, Literal, NewType, NotRequired, Optional, Required, TypeVar, Union

import pytest
from typing_extensions import ReadOnly, TypeAliasType

from hubstream.payloads import hints
from tests.payloads.samples import Crate, Point, PointCrate

T = TypeVar("T")
U = TypeVar("U")
Bound = TypeVar("Bound", bound=Point)
Id = NewType("Id", int)
Points = TypeAliasType("Points", list[Point])
ByName = TypeAliasType("ByName", dict[str, T], type_params=(T,))
Small = TypeAliasType("Small", Annotated[Id, "small"])


@pytest.mark.parametrize(
    ("annotation", "stripped", "beside"),
    [
        (int, int, ()),
        (None, NoneType, ()),
        (Annotated[int, "a", "b"], int, ("a", "b")),
        (NotRequired[Annotated[int, "a"]], int, ("a",)),
        (Required[int], int, ()),
        (ReadOnly[list[int]], list[int], ()),
        (Id, int, ()),
        (T, Any, ()),
        (Bound, Point, ()),
        (Points, list[Point], ()),
        (ByName[int], dict[str, int], ()),
        (Annotated[Small, "outer"], int, ("outer", "small")),
    ],
)
def test_wrappers_come_off(annotation: Any, stripped: Any, beside: tuple[object, ...]) -> None:
    assert hints.strip(annotation) == stripped
    assert hints.metadata(annotation) == beside


@pytest.mark.parametrize(
    ("annotation", "inside"),
    [
        (int, ()),
        (list[int], (int,)),
        (tuple[int, ...], (int,)),
        (dict[str, int | None], (str, int | None)),
        (Literal["a", 1], ()),
        (Optional[int], (int, NoneType)),  # noqa: UP045 - the older spelling is understood too
    ],
)
def test_what_is_inside(annotation: Any, inside: tuple[Any, ...]) -> None:
    assert hints.arguments(annotation) == inside


def test_unions_in_both_spellings() -> None:
    assert hints.is_union(int | str)
    assert hints.is_union(Union[int, str])  # noqa: UP007 - the older spelling is understood too
    assert not hints.is_union(list[int])


class Both(Crate[U], Generic[T, U]):
    """Two type variables, one of them the base's."""

    own: T


class Renamed(Both[datetime, list[T]], Generic[T]):
    """The same name for another type variable."""

    last: T


@pytest.mark.parametrize(
    ("annotation", "types"),
    [
        (Point, {"x": int, "y": int, "label": str | None}),
        (Crate[int], {"inner_value": int, "more_values": list[int]}),
        (PointCrate, {"inner_value": Point, "more_values": list[Point], "extra_value": int}),
        (Both[str, int], {"inner_value": int, "more_values": list[int], "own": str}),
        (Renamed[int], {"inner_value": list[int], "more_values": list[list[int]], "own": datetime, "last": int}),
    ],
)
def test_members_of_generic_classes(annotation: Any, types: dict[str, Any]) -> None:
    assert hints.members(annotation) == types
