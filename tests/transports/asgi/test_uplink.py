from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubstream.transports.asgi import uplink as module
from hubstream.transports.asgi.uplink import Uplink
from hubstream.types import Message
from tests.transports.asgi.driven import Handler, Server, settle
from tests.transports.asgi.exchange import GONE, LIMIT, body


class Post:
    """A POST that is being taken."""

    def __init__(self, uplink: Uplink, *events: Message | Exception) -> None:
        self.server = Server()
        self.server.gives(*events)
        self.task = asyncio.create_task(uplink.post(self.server.receive))

    @property
    def waits(self) -> bool:
        return not self.task.done()

    async def status(self) -> int:
        async with asyncio.timeout(LIMIT):
            return await self.task


@pytest.fixture
async def uplink() -> Uplink:
    return Uplink(10)


def attached(uplink: Uplink) -> Handler:
    handler = Handler()
    uplink.attach(handler, lambda: handler.seen.append("failed"))
    return handler


async def test_a_body_is_passed_on_as_it_comes(uplink: Uplink) -> None:
    handler = attached(uplink)
    post = Post(uplink, body(b"a", more=True))
    await settle()
    assert handler.seen == [b"a", "read done"]
    assert post.waits
    post.server.gives(body(b"", more=True), body(b"b"))
    assert await post.status() == 200
    await settle()
    assert handler.seen == [b"a", "read done", b"b", "read done"]


async def test_it_is_answered_before_it_sets_anything_off(uplink: Uplink) -> None:
    handler = attached(uplink)
    post = Post(uplink, body(b"a"))
    await asyncio.sleep(0)
    assert post.task.done()
    assert handler.seen == []
    await settle()
    assert handler.seen == [b"a", "read done"]


async def test_an_empty_body_is_accepted(uplink: Uplink) -> None:
    handler = attached(uplink)
    assert await Post(uplink, body()).status() == 200
    assert await Post(uplink, {"type": "http.request"}).status() == 200
    await settle()
    assert handler.seen == []


async def test_what_comes_before_the_handler_waits_for_it(uplink: Uplink) -> None:
    assert await Post(uplink, body(b"abc", more=True), body(b"def")).status() == 200
    full = Post(uplink, body(b"ghijkl"))
    next_ = Post(uplink, body(b"mn"))
    await settle()
    assert full.waits
    handler = attached(uplink)
    assert handler.seen == [b"abcdefghijkl", "read done"]
    assert await full.status() == 200
    assert await next_.status() == 200
    await settle()
    assert handler.seen[2:] == [b"mn", "read done"]


async def test_while_the_handler_takes_nothing_posts_wait(uplink: Uplink) -> None:
    handler = attached(uplink)
    handler.on_received = lambda data: uplink.pause()
    post = Post(uplink, body(b"a", more=True))
    await settle()
    post.server.gives(body(b"b"))
    await settle()
    assert post.waits
    assert handler.seen == [b"a", "read done"]
    handler.on_received = lambda data: None
    uplink.resume()
    assert await post.status() == 200
    uplink.pause()
    held = Post(uplink, body(b"c"))
    await settle()
    assert held.waits
    assert b"c" not in handler.seen
    uplink.resume()
    assert await held.status() == 200
    assert handler.seen == [b"a", "read done", b"b", "read done", b"c", "read done"]


async def test_posts_are_taken_one_after_the_other(uplink: Uplink) -> None:
    handler = attached(uplink)
    first = Post(uplink, body(b"a", more=True))
    await settle()
    second = Post(uplink, body(b"c"))
    await settle()
    assert second.waits
    first.server.gives(body(b"b"))
    assert await first.status() == await second.status() == 200
    await settle()
    assert b"".join(part for part in handler.seen if isinstance(part, bytes)) == b"abc"


async def test_there_is_a_limit_to_posts_that_wait(uplink: Uplink) -> None:
    posts = [Post(uplink, body(b"", more=True)) for _ in range(module.MAX_POSTS)]
    await settle()
    assert await Post(uplink, body(b"a")).status() == 429
    uplink.end()
    assert [await post.status() for post in posts] == [404] * module.MAX_POSTS


@pytest.mark.parametrize("end", [GONE, OSError("reset"), RuntimeError("over")])
async def test_a_body_that_stops_in_the_middle(uplink: Uplink, end: Message | Exception) -> None:
    handler = attached(uplink)
    assert await Post(uplink, body(b"ab", more=True), end).status() == 400
    assert await Post(uplink, body(b"c")).status() == 200
    await settle()
    assert [part for part in handler.seen if isinstance(part, bytes)] in ([b"abc"], [b"ab", b"c"])


async def test_a_body_that_never_ends_ends_with_the_connection(uplink: Uplink) -> None:
    handler = attached(uplink)
    endless = Post(uplink, body(b"a", more=True))
    await settle()
    waiting = Post(uplink, body(b"b"))
    await settle()
    uplink.end()
    uplink.end()
    assert await endless.status() == await waiting.status() == 404
    assert await Post(uplink, body(b"c")).status() == 404
    await settle()
    assert handler.seen == [b"a", "read done"]


async def test_the_end_while_a_post_waits_for_the_handler(uplink: Uplink) -> None:
    attached(uplink)
    uplink.pause()
    held = Post(uplink, body(b"a"))
    await settle()
    uplink.end()
    assert await held.status() == 404


async def test_what_was_accepted_is_passed_on_before_the_end(uplink: Uplink) -> None:
    handler = attached(uplink)
    post = Post(uplink, body(b"a"))
    await asyncio.sleep(0)
    assert post.task.done()
    uplink.end()
    assert handler.seen == [b"a", "read done"]
    await settle()
    assert handler.seen == [b"a", "read done"]


async def test_while_the_connection_closes_posts_are_accepted_and_dropped(uplink: Uplink) -> None:
    handler = attached(uplink)
    uplink.pause()
    held = Post(uplink, body(b"a"))
    await settle()
    uplink.discard()
    assert await held.status() == 200
    assert await Post(uplink, body(b"late", more=True), body(b"x" * 100)).status() == 200
    uplink.resume()
    await settle()
    assert handler.seen == []


async def test_a_handler_that_raises(uplink: Uplink, caplog: pytest.LogCaptureFixture) -> None:
    handler = attached(uplink)

    def fails(data: bytes) -> None:
        raise LookupError("a bug")

    handler.on_received = fails
    assert await Post(uplink, body(b"a")).status() == 200
    await settle()
    assert handler.seen == [b"a", "failed"]
    assert caplog.records[0].exc_info is not None


async def test_cancelled_while_it_waits_a_post_leaves_the_next_its_turn(uplink: Uplink) -> None:
    handler = attached(uplink)
    uplink.pause()
    for _ in range(2):
        held = Post(uplink, body(b"a"))
        await settle()
        held.task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await held.task
    uplink.resume()
    assert await Post(uplink, body(b"b")).status() == 200
    await settle()
    assert b"".join(part for part in handler.seen if isinstance(part, bytes)) == b"aab"


@given(
    st.lists(st.lists(st.binary(max_size=8), min_size=1, max_size=4), max_size=6), st.integers(0, 6), st.integers(1, 12)
)
def test_bytes_arrive_as_sent_however_they_are_cut(posts: list[list[bytes]], attach_after: int, limit: int) -> None:
    async def run() -> bytes:
        uplink = Uplink(limit)
        handler = Handler()
        taken: list[Post] = []
        for number, parts in enumerate([*posts, [b""]]):
            if number == min(attach_after, len(posts)):
                uplink.attach(handler, lambda: None)
            events = [body(part, more=place + 1 < len(parts)) for place, part in enumerate(parts)]
            taken.append(Post(uplink, *events))
            await asyncio.sleep(0)
        for post in taken:
            assert await post.status() == 200
        await settle()
        return b"".join(part for part in handler.seen if isinstance(part, bytes))

    assert asyncio.run(run()) == b"".join(map(b"".join, posts))
