"""Contracts, as they are written: a `typing.Protocol` whose methods the other side has (spec 10.3).

Read once, by the hub that calls clients, by the client that implements such a contract, and by the client's proxies. Imports
`errors`, `naming` and its own room; never blocks.
"""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Iterator
from typing import Any, Generic, Protocol, TypeGuard, get_args, get_origin

from hubstream.errors import MappingError
from hubstream.naming import SETTINGS, fold, pascal
from hubstream.streams.annotations import AWAITABLES, hints, refuse_hidden_stream, stream_item

__all__ = ["ClientMethod", "Signature", "is_contract", "members"]

_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


class Signature:
    """One method of a contract."""

    def __init__(self, where: str, function: Callable[..., Any], peer: str) -> None:
        self.where = where
        self.attribute = function.__name__
        settings = getattr(function, SETTINGS, None)
        self.name: str = (settings and settings.name) or pascal(self.attribute)
        """The name on the wire."""
        declared = hints(where, function)
        signature = inspect.signature(function)
        parameters = list(signature.parameters.values())[1:]
        self.signature = signature.replace(parameters=parameters)
        for parameter in parameters:
            if parameter.kind not in _POSITIONAL:
                raise MappingError(
                    f"{where}: {peer} get arguments by position, so '{parameter.name}' cannot be sent; make it an ordinary "
                    "parameter"
                )
        self.types: dict[str, Any] = {parameter.name: declared.get(parameter.name, Any) for parameter in parameters}
        """The parameters and their types."""
        self.required = sum(parameter.default is inspect.Parameter.empty for parameter in parameters)
        self.awaited = inspect.iscoroutinefunction(function)
        self.generates = inspect.isasyncgenfunction(function)
        self.declares = "return" in declared
        self.returned: Any = declared.get("return")
        """What the answer is; None for none."""
        if not self.awaited and get_origin(self.returned) in AWAITABLES:
            self.awaited, self.returned = True, get_args(self.returned)[-1]
        if self.returned is type(None):
            self.returned = None

    def given(self, arguments: tuple[Any, ...], named: dict[str, Any]) -> tuple[Any, ...]:
        """The arguments by position; defaults that were left out are sent too.

        Raises:
            TypeError: They do not fit the signature.
        """
        if named or len(arguments) != len(self.types):
            bound = self.signature.bind(*arguments, **named)
            bound.apply_defaults()
            return bound.args
        return arguments


class ClientMethod(Signature):
    """One method that clients have."""

    def __init__(self, where: str, function: Callable[..., Any]) -> None:
        super().__init__(where, function, "clients")
        for parameter, type_ in self.types.items():
            if stream_item(type_) is not None:
                raise MappingError(
                    f"{where}: a server cannot send a stream as an argument ('{parameter}'); write a hub method that is an async "
                    "generator and have the client ask for it"
                )
            refuse_hidden_stream(where, f"parameter '{parameter}'", type_)
        if self.generates or stream_item(self.returned) is not None:
            raise MappingError(
                f"{where}: a server cannot ask a client for a stream; write a hub method with an AsyncIterator parameter and "
                "have the client call it"
            )
        if not self.awaited:
            raise MappingError(f"{where}: clients are far away: write 'async def {self.attribute}'")
        refuse_hidden_stream(where, "result", self.returned)


def is_contract(declared: object) -> TypeGuard[type]:
    """Whether it is a Protocol without type parameters."""
    protocol = isinstance(declared, type) and getattr(declared, "_is_protocol", False)
    return bool(protocol) and not getattr(declared, "__parameters__", ())


def members(contract: type) -> Iterator[tuple[str, Callable[..., Any]]]:
    """The methods of a contract, its bases' too, each with what errors call it.

    Raises:
        MappingError: There is something else in it, or two of them are one name on the wire.
    """
    found: dict[str, Callable[..., Any]] = {}
    for cls in reversed(contract.__mro__):
        if cls in {object, Protocol, Generic}:
            continue
        defined = dict(vars(cls))
        for attribute in [*defined, *defined.get("__annotations__", {})]:
            if attribute.startswith("_"):
                continue
            value = defined.get(attribute)
            if not isinstance(value, types.FunctionType):
                raise MappingError(f"{contract.__qualname__}.{attribute} is no method; a contract has methods only")
            found[attribute] = value
    names: dict[str, str] = {}
    for attribute, function in found.items():
        settings = getattr(function, SETTINGS, None)
        other = names.setdefault(fold((settings and settings.name) or attribute), attribute)
        if other != attribute:
            raise MappingError(
                f"{contract.__qualname__} has '{other}' and '{attribute}', which are the same name to the other side: "
                "case and underscores do not count. Rename one, or give it another with @hub_method(name=...)"
            )
        yield f"{contract.__qualname__}.{attribute}", function
