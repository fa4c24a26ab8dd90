"""Random clients against a random server: order is kept, every call is answered exactly once, nothing is left.

Each run has a seed, so a failure can be had again. In a loop whose clock jumps, a deadlock is a time-out at once.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncIterator
from typing import Any

import pytest

from hubstream import Hub, HubError, HubServer
from tests.clock import JumpingLoop
from tests.hub.wire import HANDSHAKE, PING, Wire, attached, call, cancel, done, encoded, item, stream

LOOP = JumpingLoop

RUNS = 320
BLOCKS = 8

WEIGHTS = {
    "plain": 40,
    "burst": 2,
    "stream": 20,
    "upload": 20,
    "items": 60,
    "flood": 1,
    "cancel": 10,
    "wrong": 10,
    "stray": 10,
    "ping": 10,
}
PLAIN = ("now", "step", "turn", "fails", "sends", "sets", "spawns")


class Busy(Hub):
    """Every method notes that it has begun."""

    begun: dict[str, list[str]] = {}  # noqa: RUF012 - emptied by every run
    running = 0
    most = 0

    def now(self, name: str) -> str:
        return self._begin(name)

    async def step(self, name: str) -> str:
        return self._begin(name)

    async def turn(self, name: str, turns: int) -> str:
        self._begin(name)
        with Counted():
            for _ in range(turns):
                await asyncio.sleep(0)
        return name

    async def fails(self, name: str, turns: int) -> str:
        self._begin(name)
        with Counted():
            for _ in range(turns):
                await asyncio.sleep(0)
            raise HubError(name)

    async def sends(self, name: str, turns: int) -> str:
        self._begin(name)
        with Counted():
            for n in range(turns):
                await self.clients.caller.send("Said", name, n, "x" * 500 * turns)
        return name

    async def sets(self, name: str, turns: int) -> str:
        self._begin(name)
        with Counted():
            async with asyncio.timeout(turns + 1):
                await asyncio.sleep(turns / 2)
            task = asyncio.current_task()
            assert task is not None
            self.context.items["task"] = task
        return name

    async def spawns(self, name: str, turns: int) -> str:
        self._begin(name)
        with Counted():
            self.spawn(asyncio.Event().wait())
            await asyncio.sleep(turns / 10)
        return name

    async def count(self, n: int, size: int, turns: int) -> AsyncIterator[list[Any]]:
        for i in range(n):
            yield [i, "x" * size]
            if turns and i % turns == 0:
                await asyncio.sleep(0)

    async def breaks(self, n: int, size: int, turns: int) -> AsyncIterator[list[Any]]:
        async for value in self.count(n, size, turns):
            yield value
        raise HubError("broken")

    async def collect(self, numbers: AsyncIterator[int], turns: int) -> list[int]:
        seen: list[int] = []
        async for n in numbers:
            seen.append(n)
            if turns and n % turns == 0:
                await asyncio.sleep(0)
        return seen

    async def both(self, a: AsyncIterator[int], b: AsyncIterator[int]) -> AsyncIterator[list[Any]]:
        async def drain() -> int:
            return len([n async for n in b])

        rest = self.spawn(drain())  # read one after the other, b could fill what is read ahead before a has ended
        n = 0
        async for _ in a:
            yield [n, ""]
            n += 1
        for more in range(await rest):
            yield [n + more, ""]

    async def leaves(self, numbers: AsyncIterator[int], after: int) -> list[int]:
        seen: list[int] = []
        async for n in numbers:
            if n >= after:
                break
            seen.append(n)
        return seen

    def _begin(self, name: str) -> str:
        self.begun.setdefault(self.context.connection_id, []).append(name)
        return name


class Counted:
    """Counts the plain calls that run beside each other."""

    def __enter__(self) -> None:
        Busy.running += 1
        Busy.most = max(Busy.most, Busy.running)

    def __exit__(self, *_: object) -> None:
        Busy.running -= 1


class Client:
    """Says random things, keeps what it has to be answered, and looks at the answers."""

    def __init__(self, hubs: HubServer, chance: random.Random) -> None:
        self.hubs = hubs
        self.chance = chance
        self.wire: Wire = attached(hubs)
        self.plain: list[str] = []
        self.streams: dict[str, int] = {}
        self.uploads: dict[str, list[int]] = {}
        self.open: dict[str, int] = {}
        self.cancelled: set[str] = set()
        self.ids: list[str] = []
        self.padding = chance.choice(["", "", "-" * 300])
        self.waiting: list[bytes] = [HANDSHAKE.encode()]

    async def run(self, steps: int) -> None:
        drop = self.chance.choice([None, None, "end", "abort", "Close", "garbage", "half"])
        for _ in range(steps):
            self.waiting += [encoded(message) for message in self.something()]
            await self.flush(self.chance.random() < 0.5)
            if self.chance.random() < 0.05:
                self.wire.connection.pause_reading()
            elif self.chance.random() < 0.2:
                self.wire.connection.resume_reading()
        self.wire.connection.resume_reading()
        if drop is None:
            self.waiting += [encoded(done(stream_id)) for stream_id in self.open]
            await self.flush(True)
            await self.all_answered()
        else:
            await self.drop(drop)
        self.wire.end()
        async with asyncio.timeout(20):  # a server that does not read hears of a closed pair after a while
            while self.wire.alive():  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            await self.wire.server.ended()
        self.check(dropped=drop is not None)

    async def flush(self, everything: bool) -> None:
        data = b"".join(self.waiting)
        self.waiting = []
        while data:
            size = self.chance.choice([1, 10, 100, 1000, 10_000])
            self.wire.connection.write(data[:size])
            data = data[size:]
            for _ in range(self.chance.choice([0, 0, 1, 3])):
                await asyncio.sleep(0)
            if not everything and self.chance.random() < 0.1:
                self.waiting = [data] if data else []
                return

    def something(self) -> list[dict[str, Any]]:
        chance = self.chance
        kind = chance.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
        if kind == "plain":
            return [self.plain_call(chance.choice(PLAIN))]
        if kind == "burst":
            return [
                self.plain_call(chance.choice(["now", "step", "turn"])) for _ in range(chance.choice([10, 100, 400]))
            ]
        if kind == "stream":
            n = chance.choice([0, 1, 10, 100])
            self.streams[invocation_id := self.id()] = n
            arguments = (n, chance.choice([0, 10, 2000]), chance.randint(0, 3))
            return [stream(chance.choice(["count", "breaks"]), *arguments, id=invocation_id)]
        if kind == "upload":
            return [self.upload()]
        if kind == "items" and self.open:
            return self.items(chance.randint(1, 30))
        if kind == "flood" and self.open:
            return self.items(2000)
        if kind == "cancel" and self.ids:
            invocation_id = chance.choice(self.ids)
            self.cancelled.add(invocation_id)
            return [cancel(invocation_id)]
        if kind == "wrong":
            self.streams[invocation_id := self.id()] = 0
            target = chance.choice(["none", "now", "fails", "count"])
            return [call(target, 1, 1, 1, id=invocation_id)]
        if kind == "stray":
            return [item("stray", 1), done("stray"), call("now", "", id=None), cancel("stray")]
        return [PING]

    def plain_call(self, target: str) -> dict[str, Any]:
        invocation_id = self.id()
        self.plain.append(invocation_id)
        turns = [] if target in {"now", "step"} else [self.chance.randint(0, 5)]
        return call(target, invocation_id, *turns, id=invocation_id)

    def upload(self) -> dict[str, Any]:
        invocation_id = self.id()
        target = self.chance.choice(["collect", "both", "leaves"])
        ids = [f"{invocation_id}{letter}" for letter in ("ab" if target == "both" else "a")]
        self.open.update(dict.fromkeys(ids, 0))
        if target == "both":
            self.streams[invocation_id] = -1
            return stream("both", id=invocation_id, streams=ids)
        self.uploads[invocation_id] = []
        return call(target, self.chance.randint(0, 20), id=invocation_id, streams=ids)

    def items(self, count: int) -> list[dict[str, Any]]:
        messages: list[dict[str, Any]] = []
        for _ in range(count):
            if not self.open:
                break
            stream_id = self.chance.choice(list(self.open))
            if self.chance.random() < 1 / count / 5:
                del self.open[stream_id]
                messages.append(done(stream_id))
            else:
                messages.append(item(stream_id, self.open[stream_id]))
                self.open[stream_id] += 1
        return messages

    def id(self) -> str:
        self.ids.append(f"{len(self.ids)}{self.padding}")
        return self.ids[-1]

    async def all_answered(self) -> None:
        expected = len(self.plain) + len(self.streams) + len(self.uploads)
        async with asyncio.timeout(10):
            while sum(message.get("type") == 3 for message in self.wire.messages) < expected:  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    async def drop(self, how: str) -> None:
        if how == "half":
            self.wire.say('{"type')
        if how in {"end", "half"}:
            self.wire.end()
        elif how == "abort":
            self.wire.connection.abort()
        else:
            self.wire.say({"type": 7} if how == "Close" else "garbage\x1e")

    def check(self, *, dropped: bool) -> None:
        answered: list[str] = []
        items: dict[str, int] = {}
        for message in self.wire.messages[1:]:
            if message["type"] == 2:
                stream_id = message["invocationId"]
                assert stream_id not in answered, "no item comes after the end"
                assert message["item"][0] == items.get(stream_id, 0), "items keep their order"
                items[stream_id] = message["item"][0] + 1
            elif message["type"] == 3:
                invocation_id = message["invocationId"]
                assert invocation_id not in answered, "an answer comes once"
                answered.append(invocation_id)
                if invocation_id in self.uploads and "result" in message:
                    assert message["result"] == list(range(len(message["result"]))), "nothing of an upload is lost"
                elif self.streams.get(invocation_id, -1) >= 0 and invocation_id not in self.cancelled:
                    whole = 0 if "Too many streams" in message.get("error", "") else self.streams[invocation_id]
                    assert items.get(invocation_id, 0) == whole, "a stream is whole"
        asked = {*self.plain, *self.streams, *self.uploads}
        assert set(answered) <= asked
        if not dropped:
            assert set(answered) == asked
        begun = [name for name in Busy.begun.get(self.wire.server.connection_id, []) if name]
        in_order = [name for name in self.plain if name in begun]
        assert begun == in_order, "plain calls begin in order"
        assert dropped or set(self.plain) - set(begun) <= self.cancelled


async def one_run(seed: int) -> None:
    chance = random.Random(seed)
    Busy.begun.clear()
    Busy.running = Busy.most = 0
    slots = chance.choice([1, 1, 2, 5])
    hubs = HubServer(
        {"/hub": Busy},
        parallel_invocations=slots,
        stream_buffer=chance.choice([1, 3, 10]),
        max_streams=chance.choice([2, 1000]),
        max_message_size=None,
    )
    clients = [Client(hubs, random.Random(seed * 10 + n)) for n in range(chance.randint(1, 3))]
    async with asyncio.TaskGroup() as group:
        for client in clients:
            group.create_task(client.run(chance.randint(1, 60)))
    assert Busy.most <= slots * len(clients)
    assert Busy.running == 0
    assert hubs.snapshot() == {"connections": 0, "groups": 0, "streams": 0, "tasks": 0, "records": 0}


@pytest.mark.parametrize("block", range(BLOCKS))
async def test_random_clients(block: int, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    trouble: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: trouble.append(context))
    for seed in range(block, RUNS, BLOCKS):
        try:
            await one_run(seed)
        except BaseException as error:
            error.add_note(f"seed {seed}")
            raise
        assert trouble == [], f"seed {seed}"
        # Some of the clients speak nonsense, and that is said; as is a machine that stood still, which is none of this.
        told = [record.getMessage() for record in caplog.records]
        expected = ("ended: protocol error", "held the event loop")
        assert [text for text in told if not any(it in text for it in expected)] == [], f"seed {seed}"
