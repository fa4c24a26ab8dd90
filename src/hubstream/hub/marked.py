"""The markers of a parameter: `Depends`, ours and FastAPI's, known by what they have; and FastAPI's that a hub cannot serve.

Imports `errors` and the payloads' hints. FastAPI is not imported, and nothing of it is called.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

from hubstream.errors import MappingError
from hubstream.payloads.hints import metadata

__all__ = ["Marker", "marker_of"]

_NO_QUERY = "a hub method's plain parameters are the arguments that clients send"
_CURES = {
    "Query": f"{_NO_QUERY}; for the query of the connection's URL take hubstream's Request, and its .query",
    "Header": "take hubstream's Request, and its .headers: those the connection began with",
    "Cookie": "take hubstream's Request, and its .cookies: those the connection began with",
    "Path": "take Starlette's HTTPConnection, and its .path_params: those of the connection's URL",
    "Body": _NO_QUERY,
    "Form": _NO_QUERY,
    "File": f"{_NO_QUERY}, bytes too; what is large is an upload: AsyncIterator[bytes]",
}
"""What FastAPI reads from a request, and what to write instead."""
_MAKERS = {"Depends", "Security"}
_OWNERS = {"fastapi", "hubstream"}


@runtime_checkable
class Marker(Protocol):
    """What makes an object in `Annotated`, or a default, a dependency."""

    @property
    def dependency(self) -> Callable[..., Any] | None: ...
    @property
    def use_cache(self) -> bool: ...


def marker_of(where: str, parameter: inspect.Parameter, annotation: Any) -> Marker | None:
    """The marker of a parameter, the last one if there are several; None if it has none.

    Raises:
        MappingError: It is marked as something that a hub call has not.
    """
    marker: Marker | None = None
    for note in (parameter.default, *metadata(annotation)):
        if getattr(note, "__name__", "") in _MAKERS and getattr(note, "__module__", "").partition(".")[0] in _OWNERS:
            raise MappingError(
                f"{where}: '{parameter.name}' is marked with {getattr(note, '__name__', '')} itself: write Depends(...) with "
                "what fills it"
            )
        if isinstance(note, type):
            continue
        if isinstance(note, Marker):
            marker = note
        for cls in type(note).__mro__:
            if cls.__module__ == "fastapi.params" and (cure := _CURES.get(cls.__name__)) is not None:
                raise MappingError(f"{where}: '{parameter.name}' is marked with {type(note).__name__}(): {cure}")
            if cls.__module__ == "fastapi.security.base":
                raise MappingError(
                    f"{where}: '{parameter.name}' is marked with {type(note).__name__}(): write Depends(...) around it"
                )
    if getattr(marker, "max_concurrency", None) is not None:
        raise MappingError(
            f"{where}: '{parameter.name}' is marked with max_concurrency=, which hub calls do not keep; have the dependency "
            "enter a semaphore instead"
        )
    return marker
