"""`Depends`: what a hub method needs besides its arguments, made for each call (FastAPI's way, and its markers too).

Signatures are read when a hub is mapped, and then never again; only one that stands in for another is read when it is first seen.
Imports `errors`, what a call gives and how it is solved.
"""

from __future__ import annotations

import contextlib
import inspect
import types
from collections.abc import Callable, Iterable
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import partial
from typing import Any, get_origin

from typing_extensions import override

from hubstream.errors import MappingError
from hubstream.hub.given import given
from hubstream.hub.marked import marker_of
from hubstream.hub.solving import Dependency, Given, Solving
from hubstream.payloads.hints import strip
from hubstream.streams.annotations import AWAITABLES, hints

__all__ = ["Dependency", "Depends", "Solving", "dependency_of"]

_EMPTY = inspect.Parameter.empty
_MANY = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


@dataclass(frozen=True, slots=True)
class Depends:
    """Marks a parameter that is no argument of the caller: `db: Annotated[Session, Depends(get_db)]`.

    Args:
        dependency: A function, async function, class or any other callable, called on the event loop; or a generator or async
            generator that yields once: what stands behind its `yield` runs when the call, or the stream it returns, is over.
            What it takes is filled in the same way.
        use_cache: Within one call it is made once, whoever asks for it; False makes it anew for this parameter.
    """

    dependency: Callable[..., Any]
    use_cache: bool = field(default=True, kw_only=True)


class Kind(Enum):
    """What becomes of what a dependency returns."""

    VALUE = auto()
    AWAITED = auto()
    GENERATOR = auto()
    ASYNC_GENERATOR = auto()


def dependency_of(where: str, parameter: inspect.Parameter, annotation: Any) -> Dependency | None:
    """What fills a parameter: one that is marked, by ours or FastAPI's marker, or is of a type that the call itself gives.

    Args:
        where: The function it belongs to, for errors.
        parameter: The parameter; its default may be a marker too.
        annotation: Its type, resolved.

    Returns:
        None for any other: it is an argument of the caller.

    Raises:
        MappingError: It cannot be filled; the text says what to write instead.
    """
    return _filled(where, parameter, annotation, (), ())


def _filled(
    where: str, parameter: inspect.Parameter, annotation: Any, path: tuple[Any, ...], scopes: tuple[str, ...]
) -> Dependency | None:
    marker = marker_of(where, parameter, annotation)
    if marker is None:
        return given(where, parameter.name, annotation, scopes)
    function = marker.dependency
    if function is None:  # FastAPI's short form: the type is the dependency
        function = strip(annotation)
    return Made(where, function, marker.use_cache, path, (*scopes, *(getattr(marker, "scopes", None) or ())))


class Made(Dependency):
    """What a callable gives."""

    __slots__ = (
        "_asked",
        "_bare",
        "_cached",
        "_call",
        "_function",
        "_instead",
        "_key",
        "_kind",
        "_named",
        "_path",
        "_positional",
        "_replaceable",
        "_where",
    )

    def __init__(
        self, where: str, function: Callable[..., Any], cached: bool, path: tuple[Any, ...], scopes: tuple[str, ...]
    ) -> None:
        if not callable(function):
            raise MappingError(
                f"{where}: it depends on {function!r}, which cannot be called; Depends takes the function itself"
            )
        if function in path:
            circle = " -> ".join(_name(it) for it in (*path[path.index(function) :], function))
            raise MappingError(f"{where}: a dependency needs itself: {circle}")
        self._where = where = f"{where} -> {_name(function)}"
        self._function = self._call = function
        self._path = (*path, function)
        self._cached = cached
        self._instead: Made | None = None
        self._asked = scopes
        declared = hints(where, _code_of(function))
        self._kind = _kind(where, function, declared.get("return"))
        if self._kind is Kind.GENERATOR:
            self._call = contextmanager(function)
        elif self._kind is Kind.ASYNC_GENERATOR:
            self._call = asynccontextmanager(function)
        positional: list[Dependency] = []
        named: dict[str, Dependency] = {}
        for parameter in _parameters(where, function):
            dependency = self._fill(parameter, declared.get(parameter.name, parameter.annotation), scopes)
            if dependency is None:
                continue
            if parameter.kind is inspect.Parameter.POSITIONAL_ONLY:
                positional.append(dependency)
            else:
                named[parameter.name] = dependency
        self._positional, self._named = tuple(positional), tuple(named.items())
        inner = (*positional, *named.values())
        self._bare = not inner
        self.direct = self._kind is Kind.VALUE and all(it.direct for it in inner)
        self.scopes = next((it.scopes for it in inner if it.scopes is not None), None)
        self._replaceable = _hashable(function)
        self._key = self._replaceable if self.scopes is None else (self._replaceable, self.scopes)

    @override
    def value(self, solving: Solving) -> Any:
        made = solving.made
        if self._cached and self._key in made:
            return made[self._key]
        if self._bare:
            value = self._call()
        else:
            positional = [it.value(solving) for it in self._positional]
            value = self._call(*positional, **{name: it.value(solving) for name, it in self._named})
        if self._cached:
            made[self._key] = value
        return value

    @override
    async def solve(self, solving: Solving) -> Any:
        if solving.overrides:
            function = solving.overrides.get(self._replaceable)
            if function is not None and function is not self._function:
                return await self._replaced(function)._make(solving)
        elif self.direct:
            return self.value(solving)
        return await self._make(solving)

    async def _make(self, solving: Solving) -> Any:
        made = solving.made
        if self._cached and self._key in made:
            return made[self._key]
        positional = [await it.solve(solving) for it in self._positional]
        value: Any = self._call(*positional, **{name: await it.solve(solving) for name, it in self._named})
        if self._kind is Kind.AWAITED:
            value = await value
        elif self._kind is not Kind.VALUE:
            value = await solving.enter(value, awaited=self._kind is Kind.ASYNC_GENERATOR)
        if self._cached:
            made[self._key] = value
        return value

    def _replaced(self, function: Callable[..., Any]) -> Made:
        """What stands in for it; read when it is first seen. It cannot depend on what it replaces."""
        if self._instead is None or self._instead._function is not function:
            self._instead = Made(self._where, function, self._cached, self._path, self._asked)
        return self._instead

    def _fill(self, parameter: inspect.Parameter, annotation: Any, scopes: tuple[str, ...]) -> Dependency | None:
        if parameter.kind in _MANY:
            return None
        dependency = _filled(self._where, parameter, annotation, self._path, scopes)
        if dependency is not None:
            return dependency
        default = parameter.default
        if default is _EMPTY:
            raise MappingError(
                f"{self._where}: nothing fills '{parameter.name}'. A hub call has no query, path or body to take it from: give "
                "it a default, mark it Annotated[..., Depends(...)], or take hubstream's Request, User or HubCallerContext. What "
                "clients send are the arguments of the hub method"
            )
        return Given(lambda _: default) if parameter.kind is inspect.Parameter.POSITIONAL_ONLY else None


def _parameters(where: str, function: Callable[..., Any]) -> Iterable[inspect.Parameter]:
    try:
        return inspect.signature(function).parameters.values()
    except (TypeError, ValueError) as error:
        raise MappingError(
            f"{where}: its parameters cannot be read ({error}); call it in a function of your own"
        ) from error


def _code_of(function: Any) -> Any:
    """What has the annotations of a callable."""
    while isinstance(function, partial):
        function = function.func
    if isinstance(function, type):
        # Fields tell what an __init__ that is not written in Python takes.
        return function.__init__ if isinstance(function.__init__, types.FunctionType) else function  # type: ignore[misc]
    return function if inspect.isroutine(function) else function.__call__


def _kind(where: str, function: Any, result: Any) -> Kind:
    code = _code_of(function)
    if isinstance(function, type):
        return Kind.VALUE
    if getattr(code, "__globals__", None) is vars(contextlib):
        raise MappingError(
            f"{where}: it is a context manager already; leave out its decorator: a generator is entered and left as one"
        )
    code = inspect.unwrap(code)
    if inspect.isasyncgenfunction(code):
        return Kind.ASYNC_GENERATOR
    if inspect.isgeneratorfunction(code):
        return Kind.GENERATOR
    return Kind.AWAITED if inspect.iscoroutinefunction(code) or get_origin(result) in AWAITABLES else Kind.VALUE


def _hashable(function: Any) -> Any:
    """What it is found by, in a call and among what is overridden."""
    try:
        hash(function)
    except TypeError:
        return id(function)
    return function


def _name(function: Any) -> str:
    while isinstance(function, partial):
        function = function.func
    return getattr(function, "__qualname__", None) or type(function).__qualname__
