"""What an annotation says: streams, and where they may stand (spec 6.2). For hub methods and client contracts.

Imports `errors` and the streams; never blocks.
"""

from __future__ import annotations

import collections.abc
import typing
from collections.abc import Callable
from typing import Annotated, Any, get_args, get_origin

from hubstream.errors import MappingError
from hubstream.streams.channel import ChannelReader

__all__ = ["AWAITABLES", "hints", "refuse_hidden_stream", "show", "stream_item"]

AWAITABLES = (collections.abc.Awaitable, collections.abc.Coroutine)

_STREAMS = (
    collections.abc.AsyncIterator,
    collections.abc.AsyncIterable,
    collections.abc.AsyncGenerator,
    ChannelReader,
)


def hints(where: str, function: Callable[..., Any]) -> dict[str, Any]:
    """The annotations of a function.

    Raises:
        MappingError: One cannot be resolved.
    """
    try:
        return typing.get_type_hints(function, include_extras=True)
    except NameError as error:
        raise MappingError(
            f"{where}: its annotations name '{error.name}', which cannot be found at run time. If it is imported under "
            "'if TYPE_CHECKING:', import it outside; if it is defined in a function, move it to the module"
        ) from error
    except Exception as error:
        raise MappingError(f"{where}: its annotations cannot be read: {type(error).__name__}: {error}") from error


def stream_item(type_: Any) -> tuple[Any] | None:
    """The item type of a stream type, in a tuple; None for any other type."""
    if get_origin(type_) is Annotated:
        type_ = get_args(type_)[0]
    origin = get_origin(type_) or type_
    if not isinstance(origin, type) or origin not in _STREAMS:
        return None
    args = get_args(type_)
    return (args[0],) if args else (Any,)


def refuse_hidden_stream(where: str, what: str, type_: Any) -> None:
    """A stream is a parameter or the whole answer: inside another type it would never be seen as one."""
    for part in get_args(type_):
        if stream_item(part) is not None:
            raise MappingError(
                f"{where}: the {what} is {show(type_)}; a stream stands alone, never inside another type"
            )
        refuse_hidden_stream(where, what, part)


def show(type_: Any) -> str:
    """A type as its author wrote it."""
    return type_.__name__ if isinstance(type_, type) and not get_args(type_) else str(type_)
