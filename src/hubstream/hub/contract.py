"""Client contracts: `class Chat(Hub[ChatClient])` with a `typing.Protocol`, read once, when the hub is mapped (spec 10.3).

The proxies of such a hub have the contract's methods: one declared as returning nothing is sent, any other is a client result and
can be asked of one client only. Never blocks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar, get_args, get_origin

from typing_extensions import get_original_bases

from hubstream.errors import MappingError
from hubstream.hub.hub import Hub
from hubstream.hub.outgoing import Outgoing
from hubstream.hub.proxies import UNNAMED, Client, Clients, SingleClientProxy
from hubstream.payloads.bind import Binder, Decode, Encode
from hubstream.protocol.codec import Codec
from hubstream.streams.annotations import show
from hubstream.streams.contract import ClientMethod, is_contract, members

__all__ = ["contract_of", "proxies_of"]

_TUPLE: Any = tuple


class ContractMethod(ClientMethod):
    """One method that clients have, and how it is written in each protocol."""

    def __init__(self, where: str, function: Callable[..., Any], binders: Mapping[str, Binder]) -> None:
        super().__init__(where, function)
        arguments = tuple(self.types.values())
        try:
            self.encoders: dict[str, Encode] = {name: bind.encoder(_TUPLE[arguments]) for name, bind in binders.items()}
            asked = self.returned is not None
            self.decoders: dict[str, Decode] = (
                {name: bind.decoder(self.returned) for name, bind in binders.items()} if asked else {}
            )
        except (TypeError, ValueError) as error:
            raise MappingError(f"{where}: a type in it cannot be sent: {error}") from error

    def message(self, codecs: Mapping[str, Codec], arguments: tuple[Any, ...], named: dict[str, Any]) -> Outgoing:
        """The call with these arguments; defaults that were left out are sent too.

        Raises:
            TypeError: They do not fit the signature.
        """
        return Outgoing(self.name, self.given(arguments, named), codecs, self.encoders)


def contract_of(hub: type[Hub[Any]]) -> type | None:
    """The contract a hub class was declared with; None for one without.

    Raises:
        MappingError: It is no Protocol.
    """
    declared = _declared(hub)
    if declared is Any or isinstance(declared, TypeVar) or declared is SingleClientProxy:
        return None
    if not is_contract(declared):
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
    for where, function in members(contract):
        method = ContractMethod(where, function, binders)
        if method.returned is None:
            one[method.attribute] = many[method.attribute] = _sends(method, codecs)
        else:
            one[method.attribute] = _asks(method, codecs)
            many[method.attribute] = _refuses(method)
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
        return await self._to.ask(method.message(codecs, arguments, named), method.returned, method.decoders, UNNAMED)

    return ask


def _refuses(method: ContractMethod) -> Any:
    def refuse(self: Any, *_: Any, **__: Any) -> Any:
        raise TypeError(
            f"'{method.attribute}' has a result, which only one client can be asked for: "
            f"clients.client(id).{method.attribute}(...)"
        )

    return refuse


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
