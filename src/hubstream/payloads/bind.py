"""Values to encoded bytes and back, for one style and protocol: decided once per type, then as fast as msgspec.

A decoder or encoder of a type that msgspec carries as it is IS msgspec's own method: it raises msgspec's errors, UnicodeError or
RecursionError, or what a class raises when it is made. Callers catch `BINDING_ERRORS` and `ENCODING_ERRORS` and say it with
`describe`; the decoders and encoders made here raise `BindError` and `EncodeError`, and `arguments` always raises `BindError`.

A value that cannot be carried is an error and never something else: NaN and infinities in JSON (msgspec would write null), half a
surrogate pair, a number beyond 64 bits in MessagePack.

Imports errors, and payloads' own files. Never blocks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Literal, TypeAlias, TypeVar, get_origin

import msgspec
from msgspec import UNSET, Raw

from hubstream.errors import MappingError
from hubstream.payloads import pydantic
from hubstream.payloads.failures import (
    BINDING_ERRORS,
    ENCODING_ERRORS,
    ArgumentCountError,
    BindError,
    EncodeError,
    describe,
    locate,
)
from hubstream.payloads.floats import holds_no_number, may_hold_floats
from hubstream.payloads.reading import Reader
from hubstream.payloads.style import Names, Payloads, ProtocolName
from hubstream.payloads.writing import Writer

__all__ = [
    "BINDING_ERRORS",
    "ENCODING_ERRORS",
    "ArgumentCountError",
    "BindError",
    "Binder",
    "Decode",
    "Encode",
    "EncodeError",
    "binder",
    "describe",
]

Decode: TypeAlias = Callable[[bytes | Raw], Any]
Encode: TypeAlias = Callable[[object], bytes]

_Arguments: TypeAlias = Callable[[bytes | Raw], tuple[Any, ...]]
_Made = TypeVar("_Made")
_TUPLE: Any = tuple


class Binder:
    """Decoders and encoders in one style and protocol. Get one from `binder`."""

    def __init__(self, payloads: Payloads, protocol: ProtocolName) -> None:
        self.payloads = payloads
        self.protocol = protocol
        self._json = protocol == "json"
        self._names: Names = payloads.names(protocol)
        self._reader = Reader(payloads, protocol)
        self._writer = Writer(payloads, protocol)
        self._decoders: dict[object, Decode] = {}
        self._encoders: dict[object, Encode] = {}
        self._raws: Decode = self._bare(list[Raw])
        if self._json:
            decimals: Literal["number", "string"] = "number" if payloads.values == "dotnet" else "string"
            self._encode: Encode = msgspec.json.Encoder(decimal_format=decimals, enc_hook=self._unknown).encode
        else:
            self._encode = msgspec.msgpack.Encoder(enc_hook=self._unknown).encode

    def decoder(self, type_: object) -> Decode:
        """What reads encoded bytes as a type.

        Raises:
            MappingError: The type cannot be carried; the text says what can.
        """
        return _kept(self._decoders, type_, self._make_decoder)

    def encoder(self, type_: object | None = None) -> Encode:
        """What writes a value: of a declared type, or (None) of any, by its own class.

        Raises:
            MappingError: The type cannot be carried.
        """
        return _kept(self._encoders, type_, self._make_encoder)

    def arguments(self, types: Sequence[object], required: int) -> _Arguments:
        """What reads an array of arguments as a tuple: all of `types`, or at least the first `required`.

        The decoder raises `BindError`, and `ArgumentCountError` for a wrong number of them (spec 4.2, 5.2: in JSON the type of an
        argument is looked at first, in MessagePack the count).

        Raises:
            MappingError: A type cannot be carried.
        """
        types = tuple(types)
        fixed = required == len(types)
        decode: _Arguments = self.decoder(_TUPLE[types]) if fixed else self._optional_arguments(types, required)

        def bind(raw: bytes | Raw) -> tuple[Any, ...]:
            try:
                return decode(raw)
            except Exception as error:
                raise self._refusal(raw, types, required, error) from error

        return bind

    def _optional_arguments(self, types: tuple[object, ...], required: int) -> _Arguments:
        fields: list[Any] = [
            (f"a{i}", type_) if i < required else (f"a{i}", type_, UNSET) for i, type_ in enumerate(types)
        ]
        decode = self.decoder(
            msgspec.defstruct("Arguments", fields, array_like=True, forbid_unknown_fields=True, gc=False)
        )

        def given(raw: bytes | Raw) -> tuple[Any, ...]:
            values = msgspec.structs.astuple(decode(raw))
            return values if values[-1] is not UNSET else tuple(v for v in values if v is not UNSET)

        return given

    def _refusal(self, raw: bytes | Raw, types: tuple[object, ...], required: int, error: Exception) -> BindError:
        """Why arguments do not bind: what failed, or their number."""
        try:
            raws = self._raws(raw)
        except BINDING_ERRORS:
            return BindError(describe(error))
        miscounted = not required <= len(raws) <= len(types)
        if miscounted and not self._json:
            return ArgumentCountError(len(raws), len(types))
        for i, (argument, type_) in enumerate(zip(raws, types, strict=False)):
            try:
                self.decoder(type_)(argument)
            except BINDING_ERRORS as first:
                return BindError(str(locate(first, f"[{i}]")))
        return ArgumentCountError(len(raws), len(types)) if miscounted else BindError(describe(error))

    def _bare(self, type_: Any) -> Decode:
        try:
            return msgspec.json.Decoder(type_).decode if self._json else msgspec.msgpack.Decoder(type_).decode
        except (TypeError, NameError) as error:
            raise MappingError(f"{_name(type_)} cannot be read: {error}") from error

    def _make_decoder(self, type_: object) -> Decode:
        reading = self._reader.of(type_)
        if reading.wire is type_ and reading.convert is None:
            return self._bare(type_)
        bare, convert = self._bare(reading.wire), reading.convert

        def decode(raw: bytes | Raw) -> Any:
            try:
                value = bare(raw)
                return value if convert is None else convert(value)
            except Exception as error:
                raise BindError(describe(error)) from error

        if not self._reader.native_first(type_):
            return decode
        native = self._bare(type_)

        def decode_native_first(raw: bytes | Raw) -> Any:
            try:
                return native(raw)
            except BINDING_ERRORS as error:
                try:
                    return decode(raw)
                except BindError:
                    raise BindError(describe(error)) from error

        return decode_native_first

    def _make_encoder(self, type_: object | None) -> Encode:
        declared = Any if type_ is None else type_
        prepare = self._writer.of(declared)
        floats = self._json and may_hold_floats(declared, self._names)
        encode = _numbers_only(self._encode) if floats else self._encode
        if prepare is None:
            return encode
        return _datetimes_prepared(encode, prepare) if self._writer.only_datetimes else _prepared(encode, prepare)

    def _unknown(self, value: object) -> Any:
        """What msgspec does not know: pydantic's models, or nothing that can be carried."""
        cls = type(value)
        if pydantic.is_model(cls):
            return pydantic.to_json(value) if self._json else self._writer.model(value)
        if cls in {tuple, frozenset}:
            raise TypeError(f"a {cls.__qualname__} cannot be the key of a dict")
        raise TypeError(f"{cls.__qualname__} is no class that can be carried")


@cache
def binder(payloads: Payloads, protocol: ProtocolName) -> Binder:
    """The binder of a style and protocol: always the same one."""
    return Binder(payloads, protocol)


def _numbers_only(encode: Encode) -> Encode:
    """An encoder that refuses NaN and infinities, for which msgspec writes null."""

    def write(value: object) -> bytes:
        try:
            data = encode(value)
            # Whether a null was meant is looked at only where there is one. The cheapest look: first for its rarest letter
            # (17 ns), then by `partition` (45 ns; `in` takes 140).
            if 117 in data and data.partition(b"null")[1] and holds_no_number(value):
                raise ValueError("NaN and infinities are no JSON numbers")
        except Exception as error:
            raise EncodeError.of(value, error) from error
        return data

    return write


def _prepared(encode: Encode, prepare: Callable[[Any], Any]) -> Encode:
    def write(value: object) -> bytes:
        try:
            return encode(prepare(value))
        except Exception as error:
            raise EncodeError.of(value, error) from error

    return write


def _datetimes_prepared(encode: Encode, prepare: Callable[[Any], Any]) -> Encode:
    """An encoder for MessagePack in Python's own style, where only naive datetimes need preparing."""

    def write(value: object) -> bytes:
        try:
            data = encode(value)
            # msgspec writes a naive datetime as a text of 19 or 26 characters. Where there is no such text (35 ns to know)
            # there is none; looking at every value would take 50 ns each.
            return encode(prepare(value)) if 0xB3 in data or 0xBA in data else data
        except Exception as error:
            raise EncodeError.of(value, error) from error

    return write


def _kept(made: dict[object, _Made], type_: object, make: Callable[[object], _Made]) -> _Made:
    try:
        if (found := made.get(type_)) is None:
            found = made[type_] = make(type_)
    except TypeError as error:
        if isinstance(error, MappingError):
            raise
        return make(type_)  # a type whose metadata cannot be hashed
    return found


def _name(type_: Any) -> str:
    return (
        str(type_) if get_origin(type_) is not None or not hasattr(type_, "__qualname__") else str(type_.__qualname__)
    )
