"""One description of a hub: its methods with their kinds, parameters, types and docs. For filters, explorers and generators."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from hubstream.hub.hub import Hub
    from hubstream.hub.mapping import HubMapping
    from hubstream.hub.methods import HubMethod

__all__ = ["HubDescription", "MethodDescription", "ParameterDescription", "describe", "describe_method"]


@dataclass(frozen=True, slots=True)
class ParameterDescription:
    """One parameter that a caller fills."""

    name: str
    type: Any
    """Its type; of a stream the type of its items. `Any` if none is declared."""
    stream: bool
    """Whether it is a stream of the client."""
    required: bool
    """Whether a caller has to give it."""


@dataclass(frozen=True, slots=True)
class MethodDescription:
    """One method that clients can call."""

    name: str
    """As in error texts; clients may spell it with other case and underscores."""
    kind: Literal["call", "stream"]
    """Whether it answers once, or with a stream."""
    parameters: tuple[ParameterDescription, ...]
    """In the order in which callers give them; what is injected is not among them."""
    result: Any
    """The type of the result, or of the items; None for no result or none declared."""
    doc: str
    """Its docstring, or nothing."""
    function: Callable[..., Any] = field(repr=False)
    """What was written in the class: attributes that decorators of your own left are found on it."""

    @property
    def uploads(self) -> bool:
        """Whether it reads streams of the client."""
        return any(parameter.stream for parameter in self.parameters)


@dataclass(frozen=True, slots=True)
class HubDescription:
    """One hub at its path."""

    path: str
    name: str
    hub: type[Hub[Any]]
    doc: str
    methods: tuple[MethodDescription, ...]
    clients: type[Any] | None
    """The contract of its clients, of `Hub[Contract]`."""


def describe(mapping: HubMapping) -> HubDescription:
    """What a mapped hub offers."""
    hub = mapping.hub
    return HubDescription(
        path=mapping.path or "/",
        name=hub.__name__,
        hub=hub,
        doc=_doc(hub),
        methods=tuple(describe_method(method) for method in mapping.methods),
        clients=mapping.contract,
    )


def describe_method(method: HubMethod) -> MethodDescription:
    """What is known of a method."""
    wire, uploads = iter(enumerate(method.types)), iter(method.uploads)
    parameters: list[ParameterDescription] = []
    for name, stream in zip(method.names, method.order, strict=True):
        if stream:
            parameters.append(ParameterDescription(name, next(uploads), stream=True, required=True))
        else:
            position, type_ = next(wire)
            parameters.append(ParameterDescription(name, type_, stream=False, required=position < method.required))
    return MethodDescription(
        name=method.name,
        kind="stream" if method.streams else "call",
        parameters=tuple(parameters),
        result=method.result,
        doc=_doc(method.function),
        function=method.function,
    )


def _doc(thing: Any) -> str:
    return inspect.cleandoc(getattr(thing, "__doc__", None) or "")
