"""A hub at its path: its class, its options, and its methods bound to each protocol. Everything here is made once."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from hubstream.errors import MappingError
from hubstream.hub.authorize import guard_of
from hubstream.hub.compose import Composed, around_connect, around_disconnect, compose, overrides
from hubstream.hub.contract import contract_of, proxies_of
from hubstream.hub.hub import Hub
from hubstream.hub.logs import HubLog
from hubstream.hub.marked import marker_of
from hubstream.hub.methods import HubMethod, methods_of
from hubstream.hub.observer import Observers
from hubstream.hub.options import HubOptions
from hubstream.hub.proxies import Client, ClientProxy, Clients, SingleClientProxy
from hubstream.hub.solving import Overrides
from hubstream.hub.threads import Threads
from hubstream.naming import SETTINGS, fold, pascal
from hubstream.payloads.bind import Binder, Decode, binder
from hubstream.protocol.codec import Codec
from hubstream.protocol.json import JsonCodec
from hubstream.protocol.messagepack import MessagePackCodec

__all__ = ["BoundMethod", "HubMapping"]


_TUPLE: Any = tuple


class BoundMethod:
    """A hub method as one protocol calls it: what dispatch needs for a call, a look-up away."""

    __slots__ = (
        "awaited",
        "cancel_on_disconnect",
        "decode",
        "decoders",
        "encode",
        "explain",
        "function",
        "guard",
        "kind",
        "name",
        "order",
        "own_task",
    )

    def __init__(self, method: HubMethod, composed: Composed, bind: Binder) -> None:
        self.name = method.name
        self.kind: int = composed.kind
        self.function = composed.function
        self.awaited = composed.awaited
        self.guard = method.guard
        """Whom to ask whether its caller may, before it is called; None where everybody may."""
        self.order = method.order
        self.own_task = method.settings.own_task
        self.cancel_on_disconnect = method.streams or method.settings.cancel_on_disconnect
        try:
            self.explain = bind.arguments(method.types, method.required)
            """Reads the arguments as `decode` does, and says what is wrong with those that do not fit."""
            # Telling takes a Python call more, which only a failure has to pay for.
            everything = method.required == len(method.types)
            self.decode: Decode = bind.decoder(_TUPLE[method.types]) if everything else self.explain
            self.decoders = tuple(bind.decoder(type_) for type_ in method.uploads)
            self.encode = bind.encoder(method.result)
        except (TypeError, ValueError) as error:
            raise MappingError(
                f"{method.hub.__qualname__}.{method.name}: a type in it cannot be sent: {error}"
            ) from error

    def place(self, arguments: Any, uploads: list[Any]) -> tuple[Any, ...]:
        """The positional arguments of a call, with its upload streams where they stand among the others."""
        if not uploads:
            return tuple(arguments)
        wire, streams = iter(arguments), iter(uploads)
        placed: list[Any] = []
        for is_stream in self.order:
            if is_stream:
                placed.append(next(streams))
            else:
                try:
                    placed.append(next(wire))
                except StopIteration:
                    break  # trailing defaults; no stream follows one, for streams have none
        return tuple(placed)


class HubMapping:
    """One hub of a server."""

    def __init__(
        self,
        path: str,
        hub: type[Hub[Any]],
        options: HubOptions,
        threads: Threads,
        replaced: Callable[[], Overrides],
    ) -> None:
        self.path = path
        self.hub = hub
        self.options = options
        self.methods = methods_of(hub)
        self.observers = Observers((HubLog(), *options.observers))
        """Who is told what happens."""
        self._composed = [
            compose(method, options.filters, threads, replaced, self.observers) for method in self.methods
        ]
        self.codecs: tuple[Codec, ...] = tuple(_CODECS[name] for name in options.protocols)
        self.binders = {codec.name: binder(options.payloads, codec.name) for codec in self.codecs}
        self.tables = {name: self._table(bind) for name, bind in self.binders.items()}
        self.codecs_by_name = {codec.name: codec for codec in self.codecs}
        self.encoders = {name: bind.encoder() for name, bind in self.binders.items()}
        """What writes a value by its own class, by protocol."""
        self.one: Callable[[Client], Any] = SingleClientProxy
        """What stands for one client."""
        self.many: Callable[[Clients], Any] = ClientProxy
        """What stands for several."""
        self.contract = contract_of(hub)
        """What its clients can be called with, if it says."""
        if self.contract is not None:
            self.one, self.many = proxies_of(self.contract, self.binders, self.codecs_by_name)
        self.create = self._factory()
        _check_events(hub)
        on_connect = [it for it in options.filters if overrides(it, "on_connected")]
        on_disconnect = [it for it in options.filters if overrides(it, "on_disconnected")]
        self.greets = hub.on_connected is not Hub.on_connected or bool(on_connect)
        """Whether anything happens when a client has connected."""
        self.parts = hub.on_disconnected is not Hub.on_disconnected or bool(on_disconnect)
        """And when its connection has ended."""
        self.connected = around_connect(on_connect)
        """The hub's `on_connected`, with its filters."""
        self.disconnected = around_disconnect(on_disconnect)

    def find(self, table: dict[str, BoundMethod], target: str) -> BoundMethod | None:
        """The method a client means, however it spells the name."""
        return table.get(target) or table.get(fold(target))

    def decoders(self, type_: Any) -> dict[str, Decode]:
        """What reads a value as a type, by protocol.

        Raises:
            MappingError: The type cannot be carried.
        """
        return {name: bind.decoder(type_) for name, bind in self.binders.items()}

    def _table(self, bind: Binder) -> dict[str, BoundMethod]:
        table: dict[str, BoundMethod] = {}
        for method, composed in zip(self.methods, self._composed, strict=True):
            bound = BoundMethod(method, composed, bind)
            # The spellings the official clients use are found at once; any other by its folded form.
            name = pascal(method.name)
            for spelling in (fold(method.name), method.name, name, name[:1].lower() + name[1:]):
                table[spelling] = bound
        return table

    def _factory(self) -> Callable[[], Hub[Any]]:
        hub, factory = self.hub, self.options.factory
        if factory is not None:
            return lambda: factory(hub)
        try:
            inspect.signature(hub).bind()  # asked, not made: what a hub opens when it is made is for calls
        except TypeError as error:
            raise MappingError(
                f"{hub.__qualname__} cannot be made without arguments ({error}); give the server a factory="
            ) from error
        return hub


def _check_events(hub: type[Hub[Any]]) -> None:
    for name, arguments in (("on_connected", ("self",)), ("on_disconnected", ("self", "error"))):
        where, function = f"{hub.__qualname__}.{name}", getattr(hub, name)
        if guard_of(hub, function) is not None:
            raise MappingError(
                f"{where}: @authorize has no meaning here, for who may connect is asked before; put it on the hub class"
            )
        if hasattr(function, SETTINGS):
            raise MappingError(f"{where}: no client can call it, so leave out @hub_method")
        if not inspect.iscoroutinefunction(inspect.unwrap(function)):
            raise MappingError(f"{where} is awaited: write 'async def {name}'")
        try:
            signature = inspect.signature(function)
            signature.bind(*arguments)
            for parameter in signature.parameters.values():
                if marker_of(where, parameter, parameter.annotation) is not None:
                    raise TypeError(f"'{parameter.name}' is not filled")
        except TypeError as error:
            raise MappingError(
                f"{where} is called with other arguments ({error}): write 'async def {name}({', '.join(arguments)})'"
            ) from error


_CODECS: dict[str, Codec] = {"json": JsonCodec(), "messagepack": MessagePackCodec()}
