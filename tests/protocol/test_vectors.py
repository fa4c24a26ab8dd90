"""No vector is forgotten: each is a test of this folder or listed with the reason why not."""

from __future__ import annotations

# Imported for what they take: the vectors are counted when their tests are.
from tests.protocol import test_eventstream, test_framing, test_handshake, test_message_vectors, test_negotiate
from tests.protocol.wire import FILES, NOT_APPLICABLE, exercised, vectors

MODULES = (test_eventstream, test_framing, test_handshake, test_message_vectors, test_negotiate)


def test_all_543_are_exercised_or_listed() -> None:
    known = {(file, vector["id"]) for file in FILES for vector in vectors(file)}
    assert len(known) == 543
    assert len(MODULES) == 5
    assert exercised.isdisjoint(NOT_APPLICABLE)
    assert exercised | NOT_APPLICABLE.keys() == known
    assert all(NOT_APPLICABLE.values())
