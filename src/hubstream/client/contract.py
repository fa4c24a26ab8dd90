"""Contracts on the client's side: a proxy of what a hub has, and an object that has what a hub calls (spec 10.3).

Both are `typing.Protocol`s. A hub's may have methods that stream: `def counter(self, count: int) -> AsyncIterator[int]: ...` is
asked for as `stream()` does, `async def counter(self, count: int) -> ChannelReader[int]: ...` as `stream_as_channel()` does;
parameters declared as async iterators are uploaded. Imports `payloads`, `streams` and its own room; never blocks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, get_origin

from hubstream.client import up
from hubstream.client.handlers import Handler
from hubstream.errors import MappingError
from hubstream.payloads.bind import Binder, Encode
from hubstream.streams.annotations import refuse_hidden_stream, show, stream_item
from hubstream.streams.channel import ChannelReader
from hubstream.streams.contract import ClientMethod, Signature, is_contract, members

__all__ = ["contract_of_client", "implementation", "proxy_class"]


class ServerMethod(Signature):
    """One method that a hub has."""

    def __init__(self, where: str, function: Callable[..., Any], binder: Binder) -> None:
        super().__init__(where, function, "hubs")
        self.uploads = tuple(stream_item(type_) is not None for type_ in self.types.values())
        for parameter, type_ in self.types.items():
            refuse_hidden_stream(where, f"parameter '{parameter}'", type_)
        self.encoders: list[Encode] = []
        item = stream_item(self.returned)
        self.streams = item is not None
        self.result: Any = item[0] if item is not None else Any if self.returned is None else self.returned
        """The type of the answer, or of an item of it; any, where none is declared or it is not wanted."""
        channel = item is not None and (get_origin(self.returned) or self.returned) is ChannelReader
        if channel and not self.awaited:
            raise MappingError(
                f"{where}: a channel is asked for before there is one: write 'async def {self.attribute}'"
            )
        if self.streams and not channel and self.awaited:
            raise MappingError(
                f"{where}: a stream is asked for by iterating over it: write 'def {self.attribute}', without async"
            )
        if not self.streams and not self.awaited:
            raise MappingError(f"{where}: hubs are far away: write 'async def {self.attribute}'")
        if not self.streams:
            refuse_hidden_stream(where, "result", self.returned)
        try:
            for type_ in self.types.values():
                upload = stream_item(type_)
                self.encoders.append(binder.encoder(upload[0] if upload is not None else type_))
            binder.decoder(self.result)
        except (TypeError, ValueError) as error:
            raise MappingError(f"{where}: a type in it cannot be sent: {error}") from error

    def checked(self, arguments: tuple[Any, ...], named: dict[str, Any]) -> Sequence[Any]:
        """The arguments by position.

        Raises:
            TypeError: They do not fit the signature, or a stream stands where there is none, or the other way round.
        """
        arguments = self.given(arguments, named)
        for value, upload, parameter in zip(arguments, self.uploads, self.types, strict=True):
            if up.is_stream(value) is not upload:
                expected = "is a stream: give it an async iterable or an iterator" if upload else "is no stream"
                raise TypeError(f"{self.where}: '{parameter}' {expected}, not {type(value).__name__}")
        return arguments


def proxy_class(contract: object, binder: Binder) -> Callable[..., Any]:
    """What makes a proxy of a hub with these methods, from the client's ways to invoke, to stream and to ask for a channel.

    Raises:
        MappingError: The contract is not written as one can be; the text says what to change.
    """
    if not is_contract(contract):
        raise MappingError(
            f"what a hub has is written as a typing.Protocol without type parameters, not {show(contract)}"
        )
    methods: dict[str, Any] = {
        "__slots__": ("_channel", "_invoke", "_stream"),
        "__init__": _init,
        "__doc__": contract.__doc__,
    }
    for where, function in members(contract):
        method = ServerMethod(where, function, binder)
        make = _invokes if not method.streams else _opens if method.awaited else _streams
        methods[method.attribute] = make(method)
    made: Any = type(f"{contract.__name__}Proxy", (), methods)
    return made  # type: ignore[no-any-return] # what `type()` makes is no class to a type checker


def contract_of_client(contract: object) -> type:
    """The same, if it is a contract.

    Raises:
        MappingError: It is none.
    """
    if not is_contract(contract):
        raise MappingError(
            f"what clients have is written as a typing.Protocol without type parameters, not {show(contract)}"
        )
    return contract


def implementation(contract: type, target: object, binder: Binder) -> list[Handler]:
    """The handlers by which an object has what a hub calls.

    Raises:
        MappingError: The contract is not written as one can be; the text says what to change.
        TypeError: The object has not all of its methods, or is a class.
    """
    if isinstance(target, type):
        raise TypeError(f"an object has what the hub calls: {target.__name__}(...), not the class")
    handlers: list[Handler] = []
    for where, function in members(contract):
        method = ClientMethod(where, function)
        implemented = getattr(target, method.attribute, None)
        if not callable(implemented):
            raise TypeError(
                f"a {type(target).__name__} has no method '{method.attribute}', which {contract.__name__} has"
            )
        types = list(method.types.values())
        handler = Handler.declared(method.name, implemented, types, method.required, method.returned)
        handler.prepare(binder)
        handlers.append(handler)
    return handlers


def _init(self: Any, invoke: Any, stream: Any, channel: Any) -> None:
    self._invoke, self._stream, self._channel = invoke, stream, channel


def _invokes(method: ServerMethod) -> Any:
    async def invoke(self: Any, *arguments: Any, **named: Any) -> Any:
        answer = await self._invoke(method.name, method.checked(arguments, named), method.encoders, method.result)
        return None if method.declares and method.returned is None else answer

    return invoke


def _streams(method: ServerMethod) -> Any:
    def stream(self: Any, *arguments: Any, **named: Any) -> Any:
        return self._stream(method.name, method.checked(arguments, named), method.encoders, method.result)

    return stream


def _opens(method: ServerMethod) -> Any:
    async def stream_as_channel(self: Any, *arguments: Any, **named: Any) -> Any:
        return await self._channel(method.name, method.checked(arguments, named), method.encoders, method.result)

    return stream_as_channel
