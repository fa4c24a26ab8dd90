"""What the methods of a hub are, read from their annotations once, when the hub is mapped (spec 6.1, 6.2).

Nothing is guessed from names and nothing is looked at again when a call comes. A mistake is a `MappingError` that says how to
mend it.
"""

from __future__ import annotations

import collections.abc
import dis
import inspect
import types
from collections.abc import Callable, Iterator
from enum import IntEnum
from typing import Any, get_args, get_origin

from hubstream.errors import MappingError
from hubstream.hub.authorize import guard_of
from hubstream.hub.depends import Dependency, dependency_of
from hubstream.hub.hub import Hub, MethodSettings
from hubstream.naming import SETTINGS, fold
from hubstream.streams.annotations import AWAITABLES, refuse_hidden_stream, show, stream_item
from hubstream.streams.annotations import hints as hints_of

__all__ = ["HubMethod", "Kind", "methods_of"]

_ITERATORS = (collections.abc.Iterator, collections.abc.Generator)
_THREADED = (*_ITERATORS, collections.abc.Iterable)
_EVENTS = ("on_connected", "on_disconnected")
_MEANT = {fold(name.removesuffix(end)): name for name in _EVENTS for end in ("", "ed")}
"""What is meant by names such as `on_connect` and `OnConnectedAsync`."""
_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


class Kind(IntEnum):
    """How a method is run. Those up to `STEP` are run where their message is handled."""

    DEF = 0
    """A plain `def`: called."""
    STEP = 1
    """An `async def` whose byte code cannot suspend: stepped once, without a task."""
    TASK = 2
    """Any other `async def`: one at a time on a runner."""
    UPLOAD = 3
    """Reads streams of the client: a task of its own."""
    STREAM = 4
    """Streams to the client: a task of its own."""


class HubMethod:
    """One method that clients can call."""

    __slots__ = (
        "awaited",
        "function",
        "guard",
        "hub",
        "injected",
        "kind",
        "name",
        "names",
        "order",
        "required",
        "result",
        "settings",
        "types",
        "uploads",
    )

    def __init__(self, hub: type[Hub[Any]], attribute: str, function: Callable[..., Any]) -> None:
        self.settings: MethodSettings = getattr(function, SETTINGS, MethodSettings())
        self.hub = hub
        self.function = function
        self.name = self.settings.name or attribute
        """The name in error texts."""
        self.guard = guard_of(hub, function)
        """Who may call it; None: everybody."""
        self.names: tuple[str, ...] = ()
        """The names of the parameters that a call fills, in order: wire arguments and streams."""
        self.injected: dict[str, Dependency] = {}
        """What fills the others, by their names."""
        self.types: tuple[Any, ...] = ()
        """The types of the wire arguments, in order."""
        self.required = 0
        """How many of them a caller has to give."""
        self.uploads: tuple[Any, ...] = ()
        """The item types of the client's streams, in the order of the call's stream ids."""
        self.order: tuple[bool, ...] = ()
        """For each parameter of a method with uploads whether it is one; they may stand anywhere."""
        self.result: Any = None
        """The type of the result or of the items; None: by each value's own class."""
        self.awaited = False
        """A stream that a coroutine or an awaitable gives."""
        where = f"{hub.__qualname__}.{attribute}"
        hints = hints_of(where, function)
        parameters = list(inspect.signature(function).parameters.values())
        if not parameters:
            raise MappingError(
                f"{where}: its first parameter is 'self', the hub object; without one it cannot be called"
            )
        self._read_parameters(where, parameters[1:], hints)
        self.kind = self._read_result(where, hints)

    @property
    def streams(self) -> bool:
        """Whether it answers with a stream."""
        return self.kind == Kind.STREAM

    def __repr__(self) -> str:
        return f"<HubMethod {self.hub.__qualname__}.{self.name} {self.kind.name}>"

    def _read_parameters(self, where: str, parameters: list[inspect.Parameter], hints: dict[str, Any]) -> None:
        wire: list[Any] = []
        uploads: list[Any] = []
        order: list[bool] = []
        names: list[str] = []
        required = 0
        optional: str | None = None
        for parameter in parameters:
            dependency = dependency_of(where, parameter, hints.get(parameter.name, Any))
            if dependency is not None:
                self.injected[parameter.name] = dependency
                continue
            names.append(parameter.name)
            if parameter.kind not in _POSITIONAL:
                name = parameter.replace(annotation=inspect.Parameter.empty)
                raise MappingError(
                    f"{where}: clients send arguments by position, so '{name}' cannot be filled; make it an ordinary parameter"
                )
            type_ = hints.get(parameter.name, Any)
            if (get_origin(type_) or type_) in _ITERATORS:
                raise MappingError(
                    f"{where}: '{parameter.name}' is declared as {show(type_)}; a stream of the client is 'AsyncIterator[...]', "
                    "and items that come all at once are 'list[...]'"
                )
            item = stream_item(type_)
            order.append(item is not None)
            if item is not None:
                if self.settings.thread:
                    raise MappingError(
                        f"{where}: it runs in a thread, which cannot read the stream '{parameter.name}'; write 'async def', and "
                        "run what blocks in it with asyncio.to_thread"
                    )
                if parameter.default is not inspect.Parameter.empty:
                    raise MappingError(f"{where}: the stream '{parameter.name}' cannot have a default; leave it out")
                uploads.append(item[0])
                continue
            refuse_hidden_stream(where, f"parameter '{parameter.name}'", type_)
            wire.append(type_)
            if parameter.default is not inspect.Parameter.empty:
                optional = optional or parameter.name
            elif optional is None:
                required = len(wire)
        self.types, self.required = tuple(wire), required
        self.uploads, self.order, self.names = tuple(uploads), tuple(order), tuple(names)
        if self.injected and any(it.kind is inspect.Parameter.POSITIONAL_ONLY for it in parameters):
            raise MappingError(
                f"{where}: some of its parameters are injected, so all are passed by name: leave out the '/'"
            )

    def _read_result(self, where: str, hints: dict[str, Any]) -> Kind:
        function = inspect.unwrap(self.function)
        if self.settings.thread:
            return self._read_threaded(where, function, hints)
        declared = "return" in hints
        type_: Any = hints.get("return")
        coroutine = native = inspect.iscoroutinefunction(function)
        if not coroutine and declared and get_origin(type_) in AWAITABLES:
            # A `def` that gives an awaitable is awaited as an `async def` is.
            coroutine, type_ = True, get_args(type_)[-1]
        if inspect.isasyncgenfunction(function):
            item = stream_item(type_) if declared else (None,)
            if item is None:
                raise MappingError(f"{where}: it yields, so declare it as '-> AsyncIterator[...]', not {show(type_)}")
            self.result = item[0]
            return Kind.STREAM
        item = stream_item(type_) if declared else None
        if item is not None:
            self.result, self.awaited = item[0], coroutine
            return Kind.STREAM
        if inspect.isgeneratorfunction(function) or (declared and (get_origin(type_) or type_) in _ITERATORS):
            raise MappingError(
                f"{where}: a plain generator would hold up the event loop between its items; "
                "write 'async def' and declare '-> AsyncIterator[...]', return a list, or let a worker thread run it: "
                "@hub_method(thread=True)"
            )
        refuse_hidden_stream(where, "result", type_)
        # Without a declaration, or declared as None, a result is encoded by its own class.
        self.result = None if type_ is type(None) else type_
        if self.uploads:
            self.awaited = coroutine
            return Kind.UPLOAD
        if not coroutine:
            return Kind.DEF
        return Kind.STEP if native and not _can_suspend(self.function) else Kind.TASK

    def _read_threaded(self, where: str, function: Callable[..., Any], hints: dict[str, Any]) -> Kind:
        type_: Any = hints.get("return")
        if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function) or stream_item(type_):
            raise MappingError(
                f"{where}: thread=True runs a plain 'def' in a thread; an 'async def' runs on the event loop"
            )
        origin = get_origin(type_) or type_
        if inspect.isgeneratorfunction(function) or origin in _ITERATORS:
            if "return" in hints and origin not in _THREADED:
                raise MappingError(f"{where}: it yields, so declare it as '-> Iterator[...]', not {show(type_)}")
            self.result = next(iter(get_args(type_)), Any) if "return" in hints else None
            return Kind.STREAM
        self.result = None if type_ is type(None) else type_
        return Kind.TASK


def methods_of(hub: type[Hub[Any]]) -> list[HubMethod]:
    """The callable methods of a hub class: public functions of it and of its bases that are hubs.

    Raises:
        MappingError: A method is not written as one can be; two have the same name.
    """
    _refuse_hiding(hub)
    methods: dict[str, HubMethod] = {}
    for attribute, function in _functions(hub):
        method = HubMethod(hub, attribute, function)
        if method.settings.name is None and (event := _MEANT.get(fold(attribute).removesuffix("async"))) is not None:
            raise MappingError(
                f"{hub.__qualname__}.{attribute} is a method that clients call; what runs when one comes or goes is '{event}'. "
                "If clients are to call it, give it a name: @hub_method(name=...)"
            )
        other = methods.setdefault(fold(method.name), method)
        if other is not method:
            raise MappingError(
                f"{hub.__qualname__} has '{other.name}' and '{method.name}', which are the same name to a client: "
                "case and underscores do not count. Rename one, or give it another with @hub_method(name=...)"
            )
    return list(methods.values())


def _refuse_hiding(hub: type[Hub[Any]]) -> None:
    for attribute, own in vars(Hub).items():
        if attribute.startswith("_") or attribute in _EVENTS:
            continue
        value = inspect.getattr_static(hub, attribute)
        if value is not own and isinstance(value, types.FunctionType):
            raise MappingError(
                f"{hub.__qualname__}.{attribute} hides what every hub has as self.{attribute}; give the method another name, "
                f'and if clients have to call it by this one, mark it @hub_method(name="{attribute}")'
            )


def _functions(hub: type[Hub[Any]]) -> Iterator[tuple[str, Callable[..., Any]]]:
    seen = set(vars(Hub)) | set(dir(object))
    for cls in hub.__mro__:
        if cls is Hub:
            continue
        for attribute, value in vars(cls).items():
            if attribute in seen:
                continue
            seen.add(attribute)  # the first definition counts, also when it hides a method or is no hub's
            if attribute.startswith("_") or not issubclass(cls, Hub) or not isinstance(value, types.FunctionType):
                continue
            yield attribute, value


def _can_suspend(function: Callable[..., Any]) -> bool:
    """Whether a coroutine function has an `await`, `async for` or `async with` in its byte code."""
    code = getattr(function, "__code__", None)
    if code is None or hasattr(function, "__wrapped__") or not {"spawn", "current_task"}.isdisjoint(code.co_names):
        # A wrapper's code says nothing of what it calls; what is spawned needs a call that lives for a while; and a method
        # that asks for its task must not be shown that of the connection.
        return True
    return any(instruction.opname == "SEND" for instruction in dis.get_instructions(code))
