"""Converters for what holds values: items, positions, entries, the members of a union. An error says where it was.

Imports payloads' own files. Never blocks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from msgspec import UNSET

from hubstream.payloads.failures import locate

__all__ = ["Convert", "by_class", "by_position", "entries", "items"]

Convert: TypeAlias = Callable[[Any], Any]


def items(convert: Convert, gather: Callable[[list[Any]], Any] | None = None) -> Convert:
    """Every item converted, gathered in a list or by `gather`."""

    def convert_items(values: Iterable[Any]) -> Any:
        done: list[Any] = []
        add = done.append
        try:
            for value in values:
                add(convert(value))
        except Exception as error:
            raise locate(error, f"[{len(done)}]") from error
        return done if gather is None else gather(done)

    return convert_items


def by_position(converts: Sequence[Convert | None], step: Callable[[int], str] = "[{}]".format) -> Convert:
    """Each position by its own converter, as a tuple; None leaves the value as it is, and what is not there stays so."""

    def convert_positions(values: Sequence[Any]) -> tuple[Any, ...]:
        done: list[Any] = []
        try:
            for value, convert in zip(values, converts, strict=True):
                done.append(value if convert is None or value is UNSET else convert(value))
        except Exception as error:
            raise locate(error, step(len(done))) from error
        return tuple(done)

    return convert_positions


def entries(key: Convert | None, value: Convert | None) -> Convert:
    """A mapping's keys and values."""

    def convert_entries(mapping: Mapping[Any, Any]) -> dict[Any, Any]:
        done: dict[Any, Any] = {}
        for k, v in mapping.items():
            try:
                done[k if key is None else key(k)] = v if value is None else value(v)
            except Exception as error:
                raise locate(error, f".{k}" if isinstance(k, str) else "[...]") from error
        return done

    return convert_entries


def by_class(converts: Mapping[Any, Convert], otherwise: Convert | None = None) -> Convert:
    """By the value's class: the members of a union."""

    def convert(value: object) -> Any:
        found = converts.get(type(value), otherwise)
        return value if found is None else found(value)

    return convert
