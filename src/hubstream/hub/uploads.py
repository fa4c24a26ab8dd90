"""The open streams of one client, by their ids, and which of them hold up its messages (spec 7.4). Does not block."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from msgspec import Raw

from hubstream.errors import ConnectionLost, HubError
from hubstream.hub import texts
from hubstream.hub.events import HubEvent
from hubstream.hub.up import Upload
from hubstream.payloads.bind import Decode, describe
from hubstream.protocol.messages import Completion

if TYPE_CHECKING:
    from hubstream.hub.dispatch import Dispatcher

__all__ = ["Uploads"]


class Uploads:
    """The streams that a client sends."""

    __slots__ = ("_dispatcher", "by_id", "full", "taken")

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher
        self.by_id: dict[str, Upload] = {}
        self.full = 0
        """How many have a buffer over its bound."""
        self.taken = 0
        """How many count: until their call is over, for what a client has finished sending may wait to be read."""

    def in_use(self, ids: Sequence[str]) -> str | None:
        """The first id that another stream has, or that stands there twice."""
        return next((id_ for id_ in ids if id_ in self.by_id or ids.count(id_) > 1), None)

    def open(self, ids: Sequence[str], decoders: Sequence[Decode]) -> list[Upload]:
        """Buffers for the streams of one call."""
        capacity = self._dispatcher.options.stream_buffer
        uploads = [Upload(self, stream_id, decode, capacity) for stream_id, decode in zip(ids, decoders, strict=True)]
        self.by_id.update((upload.id, upload) for upload in uploads)
        self.taken += len(uploads)
        return uploads

    def item(self, stream_id: str, item: Raw) -> None:
        """An item has come; of a stream that is over, or never was, it is dropped."""
        if (upload := self.by_id.get(stream_id)) is not None:
            upload.receive(item)

    def complete(self, completion: Completion) -> bool:
        """The client has ended one; False if it is none of these."""
        upload = self.by_id.pop(completion.invocation_id, None)
        if upload is None:
            return False
        upload.finish(HubError(completion.error) if completion.error else None)
        upload.forgotten()
        return True

    def over(self, uploads: Sequence[Upload]) -> None:
        """The call that read them is over."""
        self.taken -= len(uploads)
        self.forget(uploads)

    def forget(self, uploads: Iterable[Upload]) -> None:
        """Their method is done with them: items that still come are dropped."""
        for upload in uploads:
            if self.by_id.get(upload.id) is upload:
                del self.by_id[upload.id]
            upload.forgotten()

    def changed(self, full: int) -> None:
        """One more buffer is full, or one fewer."""
        self.full += full
        if full < 0:
            self._dispatcher.throttle()

    def overflow(self) -> None:
        """End those that are full: what stands behind their items has to be read."""
        for upload in [upload for upload in self.by_id.values() if upload.full]:
            self._dispatcher.owner.notice(HubEvent.UPLOAD_OVERFLOWED, detail=upload.id)
            upload.finish(HubError(texts.STREAM_OVERFLOW))
            self.forget([upload])

    def lost(self) -> None:
        """The connection has ended: those that are unfinished fail."""
        for upload in tuple(self.by_id.values()):
            upload.finish(ConnectionLost("the connection has ended before the client completed its stream"))
        self.by_id.clear()

    def binding_failed(self, upload: Upload, error: Exception) -> HubError:
        """What the reader of a stream gets whose item is not of the declared type."""
        self._dispatcher.owner.notice(HubEvent.ITEM_INVALID, error=error, detail=f"{upload.id!r}: {describe(error)}")
        return HubError(texts.STREAM_BINDING + texts.detail(error, self._dispatcher.options.detailed_errors))
