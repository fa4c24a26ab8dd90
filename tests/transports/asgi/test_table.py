from __future__ import annotations

import asyncio

import pytest

from hubstream.transports.asgi import table as module
from hubstream.transports.asgi.table import Table
from hubstream.transports.asgi.tokens import Signer
from tests.transports.asgi.driven import Watched


@pytest.fixture
async def clock() -> Watched:
    return Watched(asyncio.get_running_loop())


@pytest.fixture
async def table(clock: Watched) -> Table:
    return Table(clock, 15.0)


async def test_a_record_from_negotiation_to_end(table: Table) -> None:
    record = table.add(1)
    assert record.connection_id != record.token
    assert table.find(record.token) is record
    assert table.find(record.connection_id) is None
    table.attach(record, "WebSockets")
    assert record.transport == "WebSockets"
    assert table.find(record.token) is record
    assert len(table) == 1
    table.due(record.deadline + 100)
    assert table.find(record.token) is record
    table.remove(record)
    assert table.find(record.token) is None
    assert len(table) == 0


async def test_version_0_has_one_name_for_both(table: Table) -> None:
    record = table.add(0)
    assert record.connection_id == record.token


async def test_the_reaper_takes_what_is_due_and_then_rests(clock: Watched, table: Table) -> None:
    assert list(clock.members) == []
    first, second = table.add(1), table.add(1)
    assert list(clock.members) == [table]
    second.deadline += 5
    table.due(first.deadline - 0.1)
    assert len(table) == 2
    table.due(first.deadline)
    assert table.find(first.token) is None
    assert table.find(second.token) is second
    table.due(second.deadline)
    assert len(table) == 0
    assert list(clock.members) == []
    third = table.add(1)
    assert list(clock.members) == [table]
    table.attach(third, "WebSockets")
    assert list(clock.members) == []


async def test_a_held_up_loop_gives_all_their_time_anew(table: Table) -> None:
    record = table.add(1)
    now = record.deadline + 3
    table.overslept(now)
    table.due(now)
    assert table.find(record.token) is record
    table.due(now + 15)
    assert table.find(record.token) is None


async def test_100_000_negotiations_that_never_attach(table: Table, caplog: pytest.LogCaptureFixture) -> None:
    first = table.add(1)
    real = table.add(1)
    table.attach(real, "WebSockets")
    last = real
    for _ in range(100_000):
        last = table.add(1)
        assert len(table) <= module.MAX_WAITING + 1
    assert table.find(first.token) is None
    assert table.find(last.token) is last
    assert table.find(real.token) is real
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    table.due(last.deadline)
    assert len(table) == 1


@pytest.mark.parametrize("secret", [None, b"a secret of many bytes"])
async def test_other_workers_are_suspected_of_unknown_tokens_only(
    clock: Watched, secret: bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    def made() -> Table:
        return Table(clock, 15.0, signer=None if secret is None else Signer(secret, "/clock", 15.0))

    table = made()
    carried, reaped = table.add(1), table.add(1)
    table.attach(carried, "LongPolling")
    table.remove(carried)
    table.due(reaped.deadline)
    assert len(table) == 0
    for record in (carried, reaped):
        assert table.find(record.token) is None
        table.unknown(record.token)
    table.unknown("no token at all")
    assert not caplog.records
    for _ in range(2):
        table.unknown(made().add(1).token)
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "sticky sessions" in caplog.text


async def test_of_those_that_ended_the_last_are_remembered(table: Table, caplog: pytest.LogCaptureFixture) -> None:
    records = [table.add(1) for _ in range(module.MAX_ENDED + 1)]
    for record in records:
        table.attach(record, "WebSockets")
        table.remove(record)
    table.unknown(records[1].token)
    assert not caplog.records
    table.unknown(records[0].token)
    assert "ended long ago" in caplog.text
