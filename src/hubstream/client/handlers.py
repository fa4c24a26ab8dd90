"""What the server may call: handlers by name, typed from their annotations (spec 11.5).

Names match ignoring case and underscores. The table outlives a connection, so that handlers stay over a reconnect. Imports
`errors`, `naming` and `payloads`; nothing here runs a handler or blocks.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from inspect import Parameter
from typing import Any, Self, overload

from msgspec import Raw
from typing_extensions import TypeVar

from hubstream.errors import MappingError
from hubstream.naming import fold
from hubstream.payloads.bind import BINDING_ERRORS, Binder, describe

__all__ = ["BindingFailed", "Handler", "Handlers"]

F = TypeVar("F", bound=Callable[..., object])


class BindingFailed(Exception):
    """The arguments do not fit the handler."""


class Handler:
    """A function, and what its annotations say."""

    __slots__ = ("_binder", "_decode", "function", "gives", "name", "required", "result", "types")

    def __init__(self, name: str, function: Callable[..., object]) -> None:
        self._begin(name, function)
        try:
            signature = inspect.signature(function, eval_str=True)
        except NameError as error:
            raise MappingError(
                f"the handler of '{name}' has an annotation that cannot be resolved: {error}. Import the name at the top of "
                "the module, outside `if TYPE_CHECKING`, or leave the annotation out"
            ) from error
        except ValueError as error:  # some that are written in C
            raise MappingError(
                f"the handler of '{name}' does not say what arguments it takes: {error}. Put a function around it: "
                "`lambda text: ...`"
            ) from error
        for parameter in signature.parameters.values():
            self._add(parameter)
        returned = signature.return_annotation
        declared = returned is not inspect.Signature.empty
        self.gives: bool | None = (returned is not None and returned is not type(None)) if declared else None
        """Whether it answers the server's questions; None: if it returns something."""
        self.result: Any = returned if declared and self.gives and not inspect.isasyncgenfunction(function) else None

    @classmethod
    def declared(
        cls, name: str, function: Callable[..., object], types: Sequence[Any], required: int, result: Any
    ) -> Self:
        """A function whose types somebody else has declared; a result of None for one that gives none."""
        handler = cls.__new__(cls)
        handler._begin(name, function)
        handler.types, handler.required = list(types), required
        handler.gives, handler.result = result is not None, result
        return handler

    def _begin(self, name: str, function: Callable[..., object]) -> None:
        self.name = name
        self.function = function
        self.types: list[Any] | None = []
        """The types of the arguments; None for a function that takes any number (`*args`)."""
        self.required = 0
        self._binder: Binder | None = None
        self._decode: Callable[[Raw], Sequence[Any]] | None = None

    def prepare(self, binder: Binder) -> None:
        """Make its decoder.

        Raises:
            MappingError: One of its types cannot be carried.
        """
        self._binder = binder
        try:
            self._decode = (
                binder.decoder(list[Any]) if self.types is None else binder.arguments(self.types, self.required)
            )
            binder.encoder(self.result)
        except (TypeError, ValueError) as error:
            raise MappingError(f"a type of the handler of '{self.name}' cannot be sent: {error}") from error

    def _add(self, parameter: Parameter) -> None:
        if parameter.kind is Parameter.VAR_POSITIONAL:
            self.types = None
        elif parameter.kind in {Parameter.KEYWORD_ONLY, Parameter.VAR_KEYWORD}:
            if parameter.kind is Parameter.KEYWORD_ONLY and parameter.default is Parameter.empty:
                raise MappingError(
                    f"the handler of '{self.name}' needs the keyword argument '{parameter.name}', but the server sends "
                    "arguments by position: give it a default"
                )
        elif self.types is not None:
            self.types.append(Any if parameter.annotation is Parameter.empty else parameter.annotation)
            if parameter.default is Parameter.empty:
                self.required += 1

    def bind(self, binder: Binder, arguments: Raw) -> Sequence[Any]:
        """Decode the arguments of a call.

        Raises:
            BindingFailed: They do not fit.
        """
        if self._binder is not binder or self._decode is None:
            self.prepare(binder)
        assert self._decode is not None
        try:
            values = self._decode(arguments)
        except BINDING_ERRORS as error:
            raise BindingFailed(describe(error)) from error
        return values


class Handlers:
    """The handlers of a client."""

    def __init__(self) -> None:
        self._handlers: dict[str, tuple[Handler, ...]] = {}

    @overload
    def on(self, name: str, /) -> Callable[[F], F]: ...
    @overload
    def on(self, name: str, handler: F, /) -> F: ...
    def on(self, name: str, handler: F | None = None, /) -> F | Callable[[F], F]:
        """Call `handler` when the server calls `name`; also a decorator.

        Raises:
            MappingError: The handler cannot be called by the server; the text says why.
            ValueError: A second one for this name returns a value.
        """
        if handler is None:
            return lambda function: self.on(name, function)
        self.add(Handler(name, handler))
        return handler

    def add(self, *handlers: Handler) -> None:
        """Add all of them, or none.

        Raises:
            ValueError: A second one for a name returns a value.
        """
        for new in handlers:
            if new.gives and any(other.gives for other in self._handlers.get(fold(new.name), ())):
                raise ValueError(
                    f"'{new.name}' already has a value returning handler. Multiple return values are not supported."
                )
        for new in handlers:
            key = fold(new.name)
            self._handlers[key] = (*self._handlers.get(key, ()), new)

    def off(self, name: str, handler: Callable[..., object] | None = None, /) -> None:
        """Call `handler` no more, or none of this name. One that is not there is no error."""
        key = fold(name)
        left = tuple(
            other for other in self._handlers.get(key, ()) if handler is not None and other.function != handler
        )
        if left:
            self._handlers[key] = left
        else:
            self._handlers.pop(key, None)

    def find(self, name: str) -> tuple[Handler, ...]:
        """The handlers of a name, in the order they were added."""
        return self._handlers.get(fold(name), ())
