"""Files in pieces: what is read, and what is told of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import hubstream
from hubstream.blocking import HubConnection, file_chunks
from hubstream.payloads.style import ProtocolName


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_bytes(bytes(range(256)) * 400)
    return path


@given(length=st.integers(0, 5_000), size=st.integers(1, 5_000))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_pieces_are_the_file_and_all_is_told(tmp_path: Path, length: int, size: int) -> None:
    path = tmp_path / "any"
    path.write_bytes(bytes(n % 251 for n in range(length)))
    told: list[tuple[int, int]] = []
    pieces = list(file_chunks(path, size=size, progress=lambda done, total: told.append((done, total))))
    assert b"".join(pieces) == path.read_bytes()
    assert all(len(piece) == size for piece in pieces[:-1])
    assert told == [(min(n * size, length), length) for n in range(len(pieces) + 1)]
    assert told[-1] == (length, length)


def test_what_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        file_chunks(tmp_path / "nothing")
    with pytest.raises(IsADirectoryError):
        file_chunks(tmp_path)
    with pytest.raises(ValueError, match="at least one byte"):
        file_chunks(tmp_path / "nothing", size=0)


@pytest.mark.parametrize("protocol", ["json", "messagepack"])
def test_it_is_uploaded(url: str, file: Path, protocol: ProtocolName) -> None:
    told: list[int] = []
    with HubConnection(url, protocol=protocol) as connection:
        pieces = file_chunks(str(file), progress=lambda done, total: told.append(done * 100 // total))
        assert connection.invoke("size", pieces, result=int) == 102_400
    assert told == [0, 16, 32, 48, 64, 80, 96, 100]
    assert not file_is_open(pieces)


async def test_by_the_other_client_too(url: str, file: Path) -> None:
    async with hubstream.HubConnection(url) as connection:
        assert await connection.invoke("size", file_chunks(file), result=int) == 102_400


def file_is_open(pieces: Iterator[bytes]) -> bool:
    return next(pieces, None) is not None
