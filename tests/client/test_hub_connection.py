"""The life of a `HubConnection`: states, events, starting and stopping (spec 11.1, 11.3)."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
from datetime import timedelta
from typing import Any

import pytest

from hubstream import Channel, ConnectionLost, HandshakeError, HubConnection, TransportError
from hubstream.client import connection as core
from hubstream.protocol.messages import Close, Invocation, StreamInvocation
from tests.client.attempts import Network, TestedConnection, networked
from tests.client.peer import turns, until
from tests.clock import JumpingLoop

LOOP = JumpingLoop
CLOSED = "Invocation canceled due to the underlying connection being closed."


async def test_it_starts_and_stops() -> None:
    network = Network()
    connection = TestedConnection(network, protocol="messagepack")
    assert (connection.state, connection.connection_id, connection.transport) == ("Disconnected", None, None)
    starting = asyncio.create_task(connection.start())
    await asyncio.sleep(0)
    assert connection.state == "Connecting"
    await starting
    assert (connection.state, connection.connection_id, connection.transport) == ("Connected", "id1", "Memory")
    assert network.peer.requests[0].protocol == "messagepack"
    stopping = asyncio.create_task(connection.stop())
    await asyncio.sleep(0)
    assert connection.state == "Disconnecting"
    await stopping
    assert (connection.state, connection.connection_id, connection.transport) == ("Disconnected", None, None)
    await network.peer.next(Close)
    assert network.peer.graceful is True
    assert connection.events == [("closed", None)]
    assert connection.state == "Disconnected"


async def test_it_can_be_started_again() -> None:
    network = Network()
    connection = TestedConnection(network)
    seen: list[int] = []
    connection.on("n", seen.append)
    for life in range(3):
        async with connection as same:
            assert same is connection
            assert connection.connection_id == f"id{life + 1}"
            network.peer.say(network.peer.call("n", life))
            await turns(20)
            assert len(seen) == life + 1
    assert seen == [0, 1, 2]
    assert connection.events == 3 * [("closed", None)]


@pytest.mark.parametrize("state", ["Connecting", "Connected", "Reconnecting", "Disconnecting"])
async def test_starting_it_twice(state: str) -> None:
    async with networked(["hang"] if state == "Connecting" else [], start=False, reconnect=[10]) as (
        connection,
        network,
    ):
        task = asyncio.create_task(connection.start())
        stopping: asyncio.Task[None] | None = None
        await turns(20)
        if state == "Reconnecting":
            network.peer.connection.abort()
            await turns()
        if state == "Disconnecting":
            network.peer.connection.pause_reading()
            stopping = asyncio.create_task(connection.stop())
            await asyncio.sleep(0)
        assert connection.state == state
        with pytest.raises(RuntimeError, match="cannot be started if it is not in the Disconnected state"):
            await connection.start()
        assert connection.state == state
        await connection.stop()
        if state == "Connecting":
            with pytest.raises(ConnectionLost, match="stopped before it had started"):
                await task
        if stopping is not None:
            await stopping


FAILURES: list[tuple[str | Exception, type[Exception], str]] = [
    (TransportError("no such host"), TransportError, "no such host"),
    (ValueError("no such thing"), ValueError, "no such thing"),
    ("refuse", HandshakeError, "Unable to complete handshake with the server due to an error: not today"),
    ("silent", HandshakeError, "did not answer the handshake within 15 s"),
]


@pytest.mark.parametrize(("how", "kind", "text"), FAILURES, ids=str)
async def test_a_failed_start(how: str | Exception, kind: type[Exception], text: str) -> None:
    async with networked([how], start=False, reconnect=True) as (connection, network):
        with pytest.raises(kind, match=text):
            await connection.start()
        assert connection.state == "Disconnected"
        assert connection.events == []
        assert all(peer.graceful is not None for peer in network.peers)
        await connection.start()
        assert connection.state == "Connected"


async def test_calls_while_it_is_not_connected() -> None:
    async def items() -> Any:
        yield 1

    async with networked(start=False, reconnect=[10]) as (connection, network):
        for state in ("Disconnected", "Reconnecting"):
            assert connection.state == state
            with pytest.raises(
                ConnectionLost, match="'invoke' method cannot be called if the connection is not active"
            ):
                await connection.invoke("a", items())
            with pytest.raises(ConnectionLost, match="'send' method cannot be called"):
                await connection.send("a")
            with pytest.raises(ConnectionLost, match="'stream' method cannot be called"):
                await anext(connection.stream("a"))
            with pytest.raises(ConnectionLost, match="'stream' method cannot be called"):
                await connection.stream_as_channel("a")
            if state == "Disconnected":
                await connection.start()
                network.peer.connection.abort()
                await turns()


async def test_a_call_before_the_start_says_how_to_start() -> None:
    async with networked(start=False) as (connection, _):
        with pytest.raises(ConnectionLost, match=r"not active\. It has not been started: call start\(\)"):
            await connection.invoke("a")


async def test_a_call_after_the_end_has_its_cause() -> None:
    async with networked() as (connection, network):
        network.peer.say(Close(error="too bad"))
        await until(lambda: connection.state == "Disconnected")
        with pytest.raises(ConnectionLost, match="not active") as caught:
            await connection.invoke("a")
        assert str(caught.value.__cause__) == "The server closed the connection with the following error: too bad"
        await connection.start()
        await connection.stop()
        with pytest.raises(ConnectionLost, match="not active") as caught:
            await connection.invoke("a")
        assert caught.value.__cause__ is None


async def test_a_stream_made_before_the_start() -> None:
    async with networked(start=False) as (connection, network):
        items = connection.stream("counter", item=int)
        await connection.start()
        task = asyncio.ensure_future(anext(items))
        await until(lambda: network.peer.messages)
        network.peer.say(network.peer.item("1", 5), network.peer.done("1"))
        assert await task == 5


async def test_waiting_for_the_start_can_be_cancelled() -> None:
    for step in ("hang", "silent"):
        async with networked([step], start=False) as (connection, network):
            task = asyncio.create_task(connection.start())
            await turns(20)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert connection.state == "Disconnected"
            assert network.open == 0
            assert all(peer.graceful is False for peer in network.peers)
            assert connection.events == []


ENDS: list[tuple[str, str | None]] = [
    ("Close", None),
    ("Close with an error", "The server closed the connection with the following error: too bad"),
    ("closed", None),
    ("cut", "The connection to the server was lost."),
    ("silence", "Server timeout (30000.00ms) elapsed without receiving a message from the server."),
    ("garbage", "Unexpected JSON Token Type 'Array'. Expected a JSON Object."),
]


@pytest.mark.parametrize(("how", "text"), ENDS)
async def test_how_it_ends_without_reconnecting(how: str, text: str | None) -> None:
    async with networked() as (connection, network):
        peer = network.peer
        call = asyncio.create_task(connection.invoke("never"))
        await peer.next(Invocation)
        match how:
            case "closed":
                peer.connection.close()
            case "cut":
                peer.connection.abort()
            case "garbage":
                peer.connection.write(b"[]\x1e")
            case "silence":
                pass
            case _:
                peer.close("too bad" if "error" in how else None)
        with pytest.raises(ConnectionLost) as raised:
            await call
        assert connection.state == "Disconnected"
        assert connection.connection_id is None
        await turns()
        assert connection.events == [("closed", text)]
        assert str(raised.value) == (text or CLOSED)
    assert len(connection.events) == 1


async def test_who_is_told_of_a_loss_finds_the_state_changed() -> None:
    states: list[str] = []
    async with networked(reconnect=[1]) as (connection, network):

        async def call() -> None:
            try:
                await connection.invoke("never")
            except ConnectionLost:
                states.append(connection.state)

        tasks = [asyncio.create_task(call()) for _ in range(3)]
        await network.peer.next(Invocation)
        network.peer.connection.abort()
        await asyncio.gather(*tasks)
    assert states == 3 * ["Reconnecting"]


STAGES = ["Disconnected", "connecting", "handshake", "Connected", "unread", "delay", "attempt", "retrying the start"]


@pytest.mark.parametrize("stage", STAGES)
async def test_stopping_in_any_state(stage: str) -> None:
    plans: dict[str, list[str | Exception]] = {
        "connecting": ["hang"],
        "handshake": ["silent"],
        "attempt": ["agree", "hang"],
        "retrying the start": [TransportError("down")],
    }
    options: dict[str, Any] = {"reconnect": [100, 100], "retry_start": stage == "retrying the start"}
    loop = asyncio.get_running_loop()
    async with networked(plans.get(stage, []), start=False, high=100, **options) as (connection, network):
        starting = asyncio.create_task(connection.start()) if stage != "Disconnected" else None
        if starting is not None:
            await turns(20)
            if stage in {"delay", "attempt"}:
                network.peer.connection.abort()
                await turns()
            if stage == "attempt":
                await asyncio.sleep(101)
            if stage == "unread":
                network.peer.connection.pause_reading()
                await connection.send("x", 1_000 * "x")
        began = loop.time()
        await asyncio.gather(connection.stop(), connection.stop())
        assert loop.time() - began <= (core.CLOSE_TIMEOUT if stage == "unread" else 1)
        assert connection.state == "Disconnected"
        assert network.open == 0
        await turns()
        assert all(peer.graceful is not None for peer in network.peers)
        if starting is not None and stage in {"connecting", "handshake", "retrying the start"}:
            with pytest.raises(ConnectionLost, match="stopped before it had started"):
                await starting
        closed = [argument for event, argument in connection.events if event == "closed"]
        texts = {
            "Connected": [None],
            "unread": [None],
            "delay": ["Connection stopped during reconnect delay. Done reconnecting."],
            "attempt": ["Connection stopped during reconnect attempt. Done reconnecting."],
        }
        assert closed == texts.get(stage, [])
        connection.events.clear()
        network.plan.clear()
        await connection.start()
        assert connection.state == "Connected"
        await connection.stop()
        assert connection.events == [("closed", None)]


async def test_stopping_at_the_moment_it_starts() -> None:
    async with networked(start=False) as (connection, network):
        for turn in range(1, 15):
            starting = asyncio.create_task(connection.start())
            await turns(turn)
            await connection.stop()
            with contextlib.suppress(ConnectionLost):
                await starting
            assert connection.state == "Disconnected"
        await turns()
        assert all(peer.graceful is not None for peer in network.peers)


async def test_stopping_can_be_cancelled() -> None:
    async with networked(high=100) as (connection, network):
        network.peer.connection.pause_reading()
        await connection.send("x", 1_000 * "x")
        stopping = asyncio.create_task(connection.stop())
        await turns()
        stopping.cancel()
        with pytest.raises(asyncio.CancelledError):
            await stopping
        await turns()
        assert connection.state == "Disconnected"
        assert network.peer.graceful is False
    assert connection.events == [("closed", None)]


async def test_what_a_stop_that_was_cancelled_leaves_the_next_one_ends() -> None:
    ended: list[str] = []
    async with networked(high=100) as (connection, network):

        @connection.on("hangs")
        async def hangs() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                ended.append("handler")

        network.peer.say(network.peer.call("hangs"))
        network.peer.connection.pause_reading()
        await connection.send("x", 1_000 * "x")
        await turns()
        stopping = asyncio.create_task(connection.stop())
        await turns()
        stopping.cancel()
        with pytest.raises(asyncio.CancelledError):
            await stopping
        await until(lambda: connection.state == "Disconnected")
        assert not ended
        await connection.start()
    assert ended == ["handler"]


async def test_stopping_from_inside_a_handler_an_answer_and_an_event() -> None:
    loop = asyncio.get_running_loop()
    for where in ("handler", "question", "event"):
        async with networked(reconnect=[100]) as (connection, network):
            stopped: list[float] = []
            began = loop.time()

            async def stop(_: object = None, /, *, connection: HubConnection = connection) -> None:
                await connection.stop()
                stopped.append(loop.time() - began)  # noqa: B023 - of this turn

            connection.on("bye", stop)
            connection.on_reconnecting(stop)
            if where == "event":
                network.peer.connection.abort()
            else:
                network.peer.say(network.peer.call("bye", ask="q" if where == "question" else None))
            async with asyncio.timeout(5):
                while not stopped:  # noqa: ASYNC110 - it sets no event
                    await asyncio.sleep(0.001)
            assert stopped[0] < 1
            assert connection.state == "Disconnected"
            await turns()
            assert [event for event, _ in connection.events if event == "closed"] == ["closed"]


async def test_events_are_told_in_order_and_one_that_fails_or_hangs_harms_none(
    caplog: pytest.LogCaptureFixture,
) -> None:
    told: list[str] = []
    async with networked(reconnect=[0]) as (connection, network):

        @connection.on_reconnecting
        def fails(error: Exception | None) -> None:
            raise ValueError("of the test")

        @connection.on_reconnecting
        async def waits(error: Exception | None) -> None:
            await asyncio.sleep(0.5)
            told.append("reconnecting")

        @connection.on_reconnecting
        async def hangs(error: Exception | None) -> None:
            await asyncio.Event().wait()

        @connection.on_reconnected
        async def again(connection_id: str | None) -> None:
            told.append(f"reconnected {connection_id}")

        @connection.on_close
        async def closed(error: Exception | None) -> None:
            await asyncio.sleep(0.5)
            told.append("closed")

        network.peer.connection.abort()
        await asyncio.sleep(3)
        assert told == ["reconnecting", "reconnected id2"]
    assert told == ["reconnecting", "reconnected id2", "closed"]
    assert [event for event, _ in connection.events] == ["reconnecting", "reconnected", "closed"]
    assert "of the test" in caplog.text
    assert "is slow" in caplog.text


async def test_starting_again_in_the_closed_event() -> None:
    async with networked() as (connection, network):

        @connection.on_close
        async def again(error: Exception | None) -> None:
            if error is not None:
                assert connection.state == "Disconnected"
                await asyncio.sleep(3)
                await connection.start()

        network.peer.connection.abort()
        await asyncio.sleep(4)
        assert connection.state == "Connected"
        assert connection.connection_id == "id2"


@pytest.mark.parametrize("again", ["in the closed event", "by another task"])
async def test_starting_again_while_it_waits_for_handlers_ends_none_of_the_new_connections(again: str) -> None:
    seen: list[str] = []
    never = asyncio.Event()
    async with networked() as (connection, network):

        @connection.on("hangs")
        async def hangs() -> None:
            await never.wait()

        @connection.on("lasts")
        async def lasts() -> None:
            await asyncio.sleep(3)
            seen.append("handled")

        @connection.on_close
        async def closed(error: Exception | None) -> None:
            if again == "in the closed event" and not seen:
                seen.append("closed")
                await connection.start()

        network.peer.say(network.peer.call("hangs"))
        await turns()
        stopping = asyncio.create_task(connection.stop())
        await until(lambda: connection.state == "Disconnected" or len(network.peers) == 2)
        if again == "by another task":
            seen.append("closed")
            await connection.start()
        await until(lambda: connection.state == "Connected")
        network.peer.say(network.peer.call("lasts"))
        channel = Channel[int](1)
        call = asyncio.create_task(connection.invoke("up", channel.reader, result=int))
        await network.peer.next(Invocation)
        connection.stream("s").subscribe(complete=lambda: seen.append("streamed"))
        request = await network.peer.next(StreamInvocation)
        await stopping
        assert connection.state == "Connected"
        await channel.write(7)
        assert await network.peer.next_value("2") == 7
        network.peer.say(network.peer.done(request.invocation_id), network.peer.result("1", 8))
        assert await call == 8
        await asyncio.sleep(4)
        assert seen == ["closed", "streamed", "handled"]


async def test_a_handler_runs_on_over_a_reconnect_and_the_order_of_calls_holds() -> None:
    seen: list[int] = []
    async with networked(reconnect=[0]) as (connection, network):

        @connection.on("n")
        async def note(number: int) -> None:
            await asyncio.sleep(0.5)
            seen.append(number)

        network.peer.say(*(network.peer.call("n", number) for number in range(3)))
        await turns()
        network.peer.connection.abort()
        await until(lambda: len(network.peers) == 2 and connection.state == "Connected")
        network.peer.say(*(network.peer.call("n", number) for number in range(3, 6)))
        await asyncio.sleep(4)
        assert seen == [0, 1, 2, 3, 4, 5]


async def test_a_handler_that_hangs_has_a_second_when_it_stops() -> None:
    ended: list[float] = []
    loop = asyncio.get_running_loop()
    async with networked() as (connection, network):

        @connection.on("hangs")
        async def hangs() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                ended.append(loop.time())

        network.peer.say(network.peer.call("hangs"))
        await turns()
        began = loop.time()
        await connection.stop()
        assert [at - began for at in ended] == [1]


def test_each_loop_in_its_turn() -> None:
    network = Network()
    connection = TestedConnection(network, reconnect=True)

    async def use() -> str | None:
        async with connection:
            return connection.connection_id

    assert [asyncio.run(use()) for _ in range(2)] == ["id1", "id2"]


def test_a_program_that_ends_without_stopping_it() -> None:
    network = Network()
    connection = TestedConnection(network)

    async def forget() -> None:
        await connection.start()

    asyncio.run(forget())
    assert connection.state == "Disconnected"
    assert connection.events == [("closed", None)]
    assert network.peer.graceful is not None

    async def again() -> None:
        async with connection:
            assert connection.state == "Connected"

    asyncio.run(again())
    assert connection.events == 2 * [("closed", None)]


OPTIONS: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"protocol": "xml"}, ValueError, "json and messagepack, not 'xml'"),
    ({"server_timeout": 0}, ValueError, "server_timeout is a number of seconds, not 0"),
    ({"keep_alive": -1}, ValueError, "keep_alive is a number of seconds"),
    ({"handshake_timeout": float("nan")}, ValueError, "handshake_timeout is a number of seconds"),
    ({"stream_buffer": 0}, ValueError, "at least one item, not 0"),
    ({"stream_policy": "drop"}, ValueError, "wait, drop_oldest, latest, error, not 'drop'"),
    ({"retry_start": True}, ValueError, "retry_start=True needs to know when"),
    ({"reconnect": [1, -1]}, ValueError, "a delay is a number of seconds, not -1"),
    (
        {"server_timeout": timedelta(seconds=3)},
        TypeError,
        "server_timeout is a number of seconds, not datetime.timedelta",
    ),
    ({"keep_alive": "15"}, TypeError, "keep_alive is a number of seconds, not '15'"),
    ({"stream_buffer": "10"}, TypeError, "stream_buffer is a number of items, not '10'"),
    ({"reconnect": 3}, TypeError, "reconnect is True, a list of seconds or a policy, not 3"),
    ({"reconnect": "fast"}, TypeError, "a delay is a number of seconds, not 'f'"),
    ({"reconnect": ["1"]}, TypeError, "a delay is a number of seconds, not '1'"),
    ({"transports": ["Pigeons"]}, ValueError, "Pigeons"),
    ({"transports": "WebSockets"}, TypeError, r"a list, such as \['WebSockets'\], not 'WebSockets'"),
    ({"token": "abc.def"}, TypeError, "a function that gives the token: token=lambda: "),
    ({"payloads": "DOTNET"}, TypeError, "payloads is PYTHON, DOTNET or "),
    ({"skip_negotiation": True}, ValueError, "WebSockets"),
]


@pytest.mark.parametrize(("options", "kind", "text"), OPTIONS, ids=str)
def test_options_that_are_none(options: dict[str, Any], kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match=text) as caught:
        HubConnection("http://test/hub", **options)
    assert "abc.def" not in str(caught.value)


def test_a_url_that_is_none() -> None:
    with pytest.raises(ValueError, match="like http://host/hub"):
        HubConnection("test/hub")


def test_without_aiohttp_the_error_says_what_to_install() -> None:
    program = (
        "import sys; sys.modules['aiohttp'] = None\n"
        "from hubstream import HubConnection\n"
        "try: HubConnection('http://test/hub')\n"
        "except ImportError as error: print(error)"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True, timeout=60)
    assert ran.stdout.strip() == "the client's transports need aiohttp: pip install hubstream[client]"
