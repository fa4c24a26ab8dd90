from __future__ import annotations

import base64

import pytest

from hubstream.transports.asgi.tokens import genuine, mint


def test_mint() -> None:
    minted = {mint() for _ in range(1000)}
    assert len(minted) == 1000
    for token in minted:
        assert genuine(token)
        assert len(base64.urlsafe_b64decode(token + "==")) == 16


@pytest.mark.parametrize(
    "token", ["", "nope", "x" * 21, "x" * 23, "x" * 21 + "=", "x" * 21 + "\n", "x" * 22 + "\n", "é" * 22]
)
def test_what_cannot_be_one(token: str) -> None:
    assert not genuine(token)
