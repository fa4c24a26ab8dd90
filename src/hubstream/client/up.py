"""Uploads: async iterables among the arguments of a call, sent item by item as fast as the transport takes them (spec 7.4, 7.5).

Each has a task of its own, so several are independent. Its source is always closed: when it is exhausted, when its call has
completed, failed or was cancelled, and when the connection has ended. What a source raises ends its stream with an error on the
server, and is the cause of the call's error here, or logged.
"""

from __future__ import annotations

import asyncio
import logging
from asyncio import CancelledError
from collections.abc import AsyncIterator, Generator, Iterator, Sequence
from typing import Any

from hubstream.client.tasks import AGAIN, GRACE
from hubstream.client.wire import Wire
from hubstream.connection.output import ItemBatch
from hubstream.errors import ConnectionLost, HubError
from hubstream.payloads.bind import Encode
from hubstream.protocol.messages import Completion

__all__ = ["Upload", "are_values", "ended", "is_stream", "settle"]

logger = logging.getLogger("hubstream.client")

_VALUES = frozenset({bool, bytes, dict, float, int, list, str, tuple, type(None)})


def is_stream(value: object) -> bool:
    """Whether an argument is uploaded: an async iterable or an iterator, such as a generator or an open file. No list is."""
    kind = type(value)
    return kind not in _VALUES and (hasattr(kind, "__aiter__") or hasattr(kind, "__next__"))


def are_values(arguments: Sequence[object]) -> bool:
    """Whether all of them are of the commonest classes, none of which is uploaded."""
    return _VALUES.issuperset(map(type, arguments))


class Upload:
    """One stream to the server."""

    __slots__ = (
        "_call_waits",
        "_encode",
        "_finished",
        "_id",
        "_source",
        "_started",
        "_stopped",
        "_wire",
        "error",
        "task",
    )

    def __init__(self, wire: Wire, source: Any, encode: Encode) -> None:
        self.error: Exception | None = None
        """What the source raised, until somebody is told."""
        self.task: asyncio.Task[None] | None = None
        self._wire = wire
        self._source = source
        self._encode = encode
        self._id = ""
        self._started = False
        self._stopped = False
        self._finished = False
        self._call_waits = True

    def start(self, upload_id: str) -> None:
        self._id = upload_id
        self._wire.uploads.add(self)
        self.task = self._wire.spawn(self._run())

    def stop(self, text: str | None = None) -> None:
        if self._finished or self._stopped:
            return
        self._stopped = True
        if self.task is None:  # never started: its call was not written
            self.task = self._wire.spawn(self._run())
            return
        if text is not None:
            self._complete(text)
        if self._started:  # cancelled before its first step it could not close the source
            self.task.cancel()

    def forget(self) -> None:
        """Nobody waits for the call: what goes wrong from here on is logged."""
        self._call_waits = False
        error, self.error = self.error, None
        if error is not None:
            self._log(error)

    async def _run(self) -> None:
        self._started = True
        try:
            if self._stopped:
                await _close(self._source)
                return
            source = _iterate(self._source)
            try:
                await self._send_items(source)
            finally:
                await _close(source)
        except CancelledError:
            if not self._stopped:
                self._complete("Stream canceled by client.")
            me = self.task
            if me is not None and me.cancelling() and not self._stopped:
                raise
        except ConnectionLost as error:
            if self._wire.active and not self._stopped:
                self._failed(error)
        except Exception as error:  # noqa: BLE001 - whatever the source raises goes to the server and to the caller
            self._failed(error)
        else:
            if not self._stopped:
                self._complete(None)
        finally:
            self._finished = True
            self._wire.uploads.discard(self)

    async def _send_items(self, source: AsyncIterator[Any]) -> None:
        me = asyncio.current_task()
        assert me is not None
        out = self._wire.output
        batch = ItemBatch(self._wire.codec.items(self._id))
        items, overhead, encode = batch.items, batch.frame.overhead, self._encode
        add = items.append
        if self._wire.connection.paused:
            await out.room()
        async for value in source:
            if self._stopped:  # the source swallowed its cancellation
                return
            item = encode(value)
            if not items:
                out.gather(batch)
            add(item)
            out.size = size = out.size + len(item) + overhead
            if size >= out.limit:
                if me.cancelling():
                    raise CancelledError
                if not out.roomy():
                    await out.room()

    def _failed(self, error: Exception) -> None:
        if not self._stopped:
            self._complete(error.text if isinstance(error, HubError) else _text(error))
        if self._call_waits:
            self.error = error
        else:
            self._log(error)

    def _complete(self, error: str | None) -> None:
        if not self._finished:
            self._finished = True
            completion = Completion(invocation_id=self._id)
            if error is not None:
                completion.error = error
            self._wire.output.emit(self._wire.codec.encode(completion))

    def _log(self, error: Exception) -> None:
        logger.error("the source of upload stream %s failed", self._id or "(not started)", exc_info=error)


def settle(uploads: Sequence[Upload], error: Exception | None) -> None:
    """The call has ended, with or without an error: close what is still open; a source's error is its cause, or is logged."""
    for upload in uploads:
        upload.stop()
        if error is not None and error.__cause__ is None and upload.error is not None:
            error.__cause__, upload.error = upload.error, None
        upload.forget()


async def ended(uploads: Sequence[Upload]) -> None:
    """Wait until the sources are closed; one that does not let itself be closed is logged and left to the connection's end."""
    tasks = {upload.task for upload in uploads if upload.task is not None and not upload.task.done()}
    for seconds in (GRACE, AGAIN):
        if tasks:
            _, tasks = await asyncio.wait(tasks, timeout=seconds)
        for task in tasks:
            task.cancel()
    for task in tasks:
        logger.error("the source of an upload does not let itself be closed: %r", task)


def _text(error: Exception) -> str:
    return f"Stream errored by client: '{type(error).__name__}: {error}'"


def _iterate(source: Any) -> AsyncIterator[Any]:
    start = getattr(source, "__aiter__", None)
    if start is not None:
        iterator: AsyncIterator[Any] = start()
        return iterator
    return _walk(source)


async def _walk(source: Iterator[Any]) -> AsyncIterator[Any]:
    try:
        for item in source:
            yield item
    finally:
        await _close(source)


async def _close(source: Any) -> None:
    aclose = getattr(source, "aclose", None)
    if aclose is not None:
        await aclose()
    elif isinstance(source, Generator):  # a file belongs to whoever opened it
        source.close()
