"""What does not fit its type fails one call, in the specification's words; the connection lives (spec 6.4, 6.11, 7.4)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Any

import pytest

from hubstream import HubError, HubServer
from hubstream.payloads import PYTHON, ProtocolName
from hubstream.testing import connect
from tests.interop.payloads.hub import server
from tests.interop.payloads.misfits import MISFITS
from tests.interop.payloads.rows import PROTOCOLS, ROWS, STYLES, slug
from tests.payloads.samples import Row

KINDS = [pytest.param(style, protocol, id=f"{style}/{protocol}") for style in STYLES for protocol in PROTOCOLS]
EVERY_ROW = [row for row in ROWS if row.name in MISFITS]
LIMIT = 10.0
FAILED = "Failed to invoke '{}' due to an error on the server."
UNEXPECTED = "An unexpected error occurred invoking '{}' on the server."
TYPE = (
    " InvalidDataException: Error binding arguments. Make sure that the types of the provided values match the types of the "
    "hub method being invoked."
)
COUNT = " InvalidDataException: Invocation provides {} argument(s) but target expects {}."


@pytest.fixture(scope="module")
def hubs() -> HubServer:
    return server()


@pytest.fixture(scope="module")
def detailed() -> HubServer:
    return server(detailed_errors=True)


def test_of_the_rows_that_are_left_out_everything_fits() -> None:
    assert {row.name for row in ROWS} - set(MISFITS) == {"any"}


@pytest.mark.parametrize(("style", "protocol"), KINDS)
@pytest.mark.parametrize("row", EVERY_ROW, ids=lambda row: row.name)
async def test_as_an_argument(hubs: HubServer, row: Row, style: str, protocol: ProtocolName) -> None:
    method = f"echo_{slug(row)}"
    async with (
        asyncio.timeout(LIMIT),
        connect(hubs, f"/{style}/{protocol}", protocol=protocol, payloads=PYTHON) as client,
    ):
        for misfit in MISFITS[row.name]:
            with pytest.raises(HubError) as caught:
                await client.invoke(method, misfit)
            assert str(caught.value) == FAILED.format(method), misfit
            await client.send(method, misfit)  # nobody is told
            assert await client.invoke("add", 1, 2) == 3


@pytest.mark.parametrize(("style", "protocol"), KINDS)
@pytest.mark.parametrize("row", EVERY_ROW, ids=lambda row: row.name)
async def test_as_an_item(hubs: HubServer, row: Row, style: str, protocol: ProtocolName) -> None:
    method = f"upload_{slug(row)}"
    text = UNEXPECTED.format(method) + " HubException: Failed to bind Stream message."
    async with (
        asyncio.timeout(LIMIT),
        connect(hubs, f"/{style}/{protocol}", protocol=protocol, payloads=PYTHON) as client,
    ):
        for misfit in MISFITS[row.name]:
            with pytest.raises(HubError) as caught:
                await client.invoke(method, each([misfit]))
            assert str(caught.value) == text, misfit
            assert await client.invoke("add", 1, 2) == 3


@pytest.mark.parametrize(("style", "protocol"), KINDS)
@pytest.mark.parametrize("row", EVERY_ROW, ids=lambda row: row.name)
async def test_as_a_client_result(hubs: HubServer, row: Row, style: str, protocol: ProtocolName) -> None:
    method = f"ask_{slug(row)}"
    text = UNEXPECTED.format(method) + " HubException: Error trying to deserialize result to "
    async with (
        asyncio.timeout(LIMIT),
        connect(hubs, f"/{style}/{protocol}", protocol=protocol, payloads=PYTHON) as client,
    ):
        answers = [misfit for misfit in MISFITS[row.name] if misfit is not None]  # None from a handler is no result

        def answer(_: Any) -> Any:
            return answers[0]

        client.on(f"answer_{slug(row)}", answer)
        while answers:
            with pytest.raises(HubError) as caught:
                await client.invoke(method)
            assert str(caught.value).startswith(text), answers[0]
            assert await client.invoke("add", 1, 2) == 3
            answers.pop(0)


@pytest.mark.parametrize(("style", "protocol"), KINDS)
async def test_detailed_texts(detailed: HubServer, style: str, protocol: ProtocolName) -> None:
    async with asyncio.timeout(LIMIT), connect(detailed, f"/{style}/{protocol}", protocol=protocol) as client:
        rows: list[tuple[str, list[Any], str]] = [
            ("echo_int", ["a"], TYPE),
            ("echo_union", [2.5], TYPE),
            ("echo_int_enum", [7], TYPE),
            ("add", [1, "a"], TYPE),
            ("add", [], COUNT.format(0, 2)),
            ("add", [1], COUNT.format(1, 2)),
            ("add", [1, 2, 3], COUNT.format(3, 2)),
            # In JSON the types are looked at first, in MessagePack the count (spec 4.2, 5.2).
            ("add", [1, "a", 3], TYPE if protocol == "json" else COUNT.format(3, 2)),
        ]
        for method, sent, detail in rows:
            with pytest.raises(HubError) as caught:
                await client.invoke(method, *sent)
            assert str(caught.value) == FAILED.format(method) + detail, sent
        with pytest.raises(HubError) as caught:
            async for _ in client.stream("stream_int", "a", item=int):
                pass
        assert str(caught.value) == FAILED.format("stream_int") + TYPE
        assert await client.invoke("add", 1, 2) == 3


async def each(values: Iterable[Any]) -> AsyncIterator[Any]:
    for value in values:
        yield value
