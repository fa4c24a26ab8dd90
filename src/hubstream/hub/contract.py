"""Client contracts: `class Chat(Hub[ChatClient])` with a `typing.Protocol`, read once, when the hub is mapped (spec 10.3).

The proxies of such a hub have the contract's methods: one declared as returning nothing is sent, any other is a client result and
can be asked of one client only. Never blocks.
"""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Mapping
from typing import Any, Generic, Protocol, TypeVar, get_args, get_origin

from typing_extensions import get_original_bases

from hubstream.errors import MappingError
from hubstream.hub.hub import SETTINGS, Hub, MethodSettings
from hubstream.hub.outgoing import Outgoing
from hubstream.hub.proxies import UNNAMED, Client, Clients, SingleClientProxy
from hubstream.naming import fold, pascal
from hubstream.payloads.bind import Binder, Decode, Encode
from hubstream.protocol.codec import Codec
from hubstream.streams.annotations import AWAITABLES, hints, refuse_hidden_stream, show, stream_item

__all__ = ["contract_of", "proxies_of"]

_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
_TUPLE: Any = tuple


class ContractMethod:
    """One method that clients have."""

    __slots__ = ("attribute", "count", "decoders", "encoders", "name", "result", "signature")

    def __init__(self, where: str, function: Callable[..., Any], binders: Mapping[str, Binder]) -> None:
        settings: MethodSettings | None = getattr(function, SETTINGS, None)
        self.attribute = function.__name__
        self.name = (settings and settings.name) or pascal(self.attribute)
        """The name on the wire."""
        declared = hints(where, function)
        signature = inspect.signature(function)
        parameters = list(signature.parameters.values())[1:]
        self.signature = signature.replace(parameters=parameters)
        self.count = len(parameters)
        arguments = tuple(_argument(where, parameter, declared) for parameter in parameters)
        self.result = _result(where, function, declared)
        """The type of the client's answer; None when none is asked for."""
        try:
            self.encoders: dict[str, Encode] = {name: bind.encoder(_TUPLE[arguments]) for name, bind in binders.items()}
            asked = self.result is not None
            self.decoders: dict[str, Decode] = (
                {name: bind.decoder(self.result) for name, bind in binders.items()} if asked else {}
            )
        except (TypeError, ValueError) as error:
            raise MappingError(f"{where}: a type in it cannot be sent: {error}") from error

    def message(self, codecs: Mapping[str, Codec], arguments: tuple[Any, ...], named: dict[str, Any]) -> Outgoing:
        """The call with these arguments; defaults that were left out are sent too.

        Raises:
            TypeError: They do not fit the signature.
        """
        if named or len(arguments) != self.count:
            bound = self.signature.bind(*arguments, **named)
            bound.apply_defaults()
            arguments = bound.args
        return Outgoing(self.name, arguments, codecs, self.encoders)


def contract_of(hub: type[Hub[Any]]) -> type | None:
    """The contract a hub class was declared with; None for one without.

    Raises:
        MappingError: It is no Protocol.
    """
    declared = _declared(hub)
    if declared is Any or isinstance(declared, TypeVar) or declared is SingleClientProxy:
        return None
    if not isinstance(declared, type) or not getattr(declared, "_is_protocol", False) or _parameters(declared):
        raise MappingError(
            f"{hub.__qualname__} is declared as a Hub of {show(declared)}; what clients have is written as a typing.Protocol "
            "without type parameters"
        )
    return declared


def proxies_of(
    contract: type, binders: Mapping[str, Binder], codecs: Mapping[str, Codec]
) -> tuple[Callable[[Client], Any], Callable[[Clients], Any]]:
    """The classes of what stands for one client and for many.

    Raises:
        MappingError: The contract is not written as one can be; the text says what to change.
    """
    one: dict[str, Any] = {"__slots__": ("_to",), "__init__": _init, "__doc__": contract.__doc__}
    many = dict(one)
    names: dict[str, str] = {}
    for attribute, function in _members(contract).items():
        where = f"{contract.__qualname__}.{attribute}"
        method = ContractMethod(where, function, binders)
        other = names.setdefault(fold(method.name), attribute)
        if other != attribute:
            raise MappingError(
                f"{contract.__qualname__} has '{other}' and '{attribute}', which are the same name to a client: "
                "case and underscores do not count. Rename one, or give it another with @hub_method(name=...)"
            )
        if method.result is None:
            one[attribute] = many[attribute] = _sends(method, codecs)
        else:
            one[attribute] = _asks(method, codecs)
            many[attribute] = _refuses(method)
    to_one: Any = type(f"{contract.__name__}Proxy", (), one)
    to_many: Any = type(f"{contract.__name__}Proxies", (), many)
    return to_one, to_many


def _init(self: Any, to: Client | Clients) -> None:
    self._to = to


def _sends(method: ContractMethod, codecs: Mapping[str, Codec]) -> Any:
    async def send(self: Any, *arguments: Any, **named: Any) -> None:
        await self._to.deliver(method.message(codecs, arguments, named))

    return send


def _asks(method: ContractMethod, codecs: Mapping[str, Codec]) -> Any:
    async def ask(self: Any, *arguments: Any, **named: Any) -> Any:
        return await self._to.ask(method.message(codecs, arguments, named), method.result, method.decoders, UNNAMED)

    return ask


def _refuses(method: ContractMethod) -> Any:
    def refuse(self: Any, *_: Any, **__: Any) -> Any:
        raise TypeError(
            f"'{method.attribute}' has a result, which only one client can be asked for: "
            f"clients.client(id).{method.attribute}(...)"
        )

    return refuse


def _members(contract: type) -> dict[str, Callable[..., Any]]:
    found: dict[str, Callable[..., Any]] = {}
    for cls in reversed(contract.__mro__):
        if cls in {object, Protocol, Generic}:
            continue
        members = dict(vars(cls))
        for attribute in [*members, *members.get("__annotations__", {})]:
            if attribute.startswith("_"):
                continue
            value = members.get(attribute)
            if not isinstance(value, types.FunctionType):
                raise MappingError(
                    f"{contract.__qualname__}.{attribute} is no method; a client contract has 'async def' methods only"
                )
            found[attribute] = value
    return found


def _argument(where: str, parameter: inspect.Parameter, declared: dict[str, Any]) -> Any:
    if parameter.kind not in _POSITIONAL:
        raise MappingError(
            f"{where}: clients get arguments by position, so '{parameter.name}' cannot be sent; make it an ordinary parameter"
        )
    type_ = declared.get(parameter.name, Any)
    if stream_item(type_) is not None:
        raise MappingError(
            f"{where}: a server cannot send a stream as an argument ('{parameter.name}'); write a hub method that is an async "
            "generator and have the client ask for it"
        )
    refuse_hidden_stream(where, f"parameter '{parameter.name}'", type_)
    return type_


def _result(where: str, function: Callable[..., Any], declared: dict[str, Any]) -> Any:
    type_: Any = declared.get("return")
    awaited = inspect.iscoroutinefunction(function)
    if not awaited and get_origin(type_) in AWAITABLES:
        awaited, type_ = True, get_args(type_)[-1]
    if inspect.isasyncgenfunction(function) or stream_item(type_) is not None:
        raise MappingError(
            f"{where}: a server cannot ask a client for a stream; write a hub method with an AsyncIterator parameter and have "
            "the client call it"
        )
    if not awaited:
        raise MappingError(f"{where}: clients are far away: write 'async def {function.__name__}'")
    refuse_hidden_stream(where, "result", type_)
    return None if type_ is type(None) else type_


def _declared(hub: type) -> Any:
    """What stands in the brackets of `Hub[...]`, looked for through generic bases; Any without brackets."""
    for base in get_original_bases(hub):
        origin: Any = get_origin(base) or base
        if not isinstance(origin, type) or Hub not in origin.__mro__:
            continue
        arguments = get_args(base)
        if origin is Hub:
            return arguments[0] if arguments else Any
        found = _declared(origin)
        if isinstance(found, TypeVar):  # the base leaves it open
            found = dict(zip(_parameters(origin), arguments, strict=False)).get(found, Any)
        return found
    return Any


def _parameters(cls: type) -> tuple[Any, ...]:
    return getattr(cls, "__parameters__", ())
