from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubstream.transports.asgi import tokens as module
from hubstream.transports.asgi.tokens import Signer, genuine, mint

SECRET = b"a secret of at least 16 bytes"


class Time:
    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


def workers(count: int = 2, secret: bytes = SECRET) -> tuple[Time, list[Signer]]:
    time = Time()
    return time, [Signer(secret, "/clock", 15, time) for _ in range(count)]


def test_mint() -> None:
    minted = {mint() for _ in range(1000)}
    assert len(minted) == 1000
    for token in minted:
        assert genuine(token)
        assert len(base64.urlsafe_b64decode(token + "==")) == 16


@pytest.mark.parametrize(
    "token",
    ["", "nope", "x" * 21, "x" * 23, "x" * 21 + "=", "x" * 21 + "\n", "x" * 22 + "\n", "é" * 22, "x" * 71, "x" * 73],
)
def test_what_cannot_be_one(token: str) -> None:
    assert not genuine(token)


def test_signed() -> None:
    time, (one, other) = workers()
    connection_id = mint()
    token = one.sign(connection_id)
    assert genuine(token)
    assert one.read(token) == other.read(token) == connection_id
    time.now += 14.9
    assert other.read(token) == connection_id
    time.now += 0.1
    assert one.read(token) is other.read(token) is None


def test_good_once_in_each_process() -> None:
    _, (one, other) = workers()
    connection_id = mint()
    token = one.sign(connection_id)
    one.spend(token)
    assert one.read(token) is None
    assert other.read(token) == connection_id


def test_another_secret_or_path() -> None:
    time, (one,) = workers(1)
    token = one.sign(mint())
    assert Signer(b"another secret of 16", "/clock", 15, time).read(token) is None
    assert Signer(SECRET, "/other", 15, time).read(token) is None


def test_another_user() -> None:
    _, (one,) = workers(1)
    connection_id = mint()
    for owner in (None, "", "ann", "\udcff"):
        token = one.sign(connection_id, owner)
        assert len(token) == 72
        assert one.read(token, owner) == connection_id
        assert not [it for it in (None, "", "ann", "ANN", "\udcff") if it != owner and one.read(token, it) is not None]


@given(st.integers(0, 71), st.sampled_from("ABCDEFGHabcdefgh0123456789-_"))
def test_tampered_with(place: int, letter: str) -> None:
    _, (one,) = workers(1)
    token = one.sign(mint())
    if token[place] != letter:
        assert one.read(token[:place] + letter + token[place + 1 :]) is None


def test_one_that_is_not_signed() -> None:
    _, (one,) = workers(1)
    assert one.read(mint()) is None


def test_used_tokens_are_forgotten_when_they_expire(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "MAX_SPENT", 10)
    time, (one,) = workers(1)
    for _ in range(100):
        one.spend(one.sign(mint()))
        time.now += 2
    assert not caplog.records


def test_too_many_used_tokens(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(module, "MAX_SPENT", 10)
    time, (one, other) = workers()
    tokens = [one.sign(mint()) for _ in range(12)]
    for token in tokens:
        one.spend(token)
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    # The last two are not remembered: nothing is taken from others until they have expired.
    assert [one.read(token) for token in tokens] == [None] * 12
    assert one.read(other.sign(mint())) is None
    time.now += 15.1
    connection_id = mint()
    assert one.read(other.sign(connection_id)) == connection_id
