"""Client results: the answers that hub methods await from clients (spec 6.11).

A client answers under an id that only the server draws (`s1`, `s2`, ...); answers are found by it whenever they come, and one
that nobody awaits any more is dropped. Does not block.
"""

from __future__ import annotations

import asyncio

from hubstream.errors import ProtocolError
from hubstream.hub import texts
from hubstream.hub.lifetime import LocalConnection
from hubstream.protocol.messages import Completion

__all__ = ["Question", "Results"]


class Question:
    """One call of a client that has not been answered."""

    __slots__ = ("answer", "connection", "id")

    def __init__(self, invocation_id: str, connection: LocalConnection) -> None:
        self.id = invocation_id
        self.connection = connection
        self.answer: asyncio.Future[Completion | None] = asyncio.get_running_loop().create_future()
        """None when the client has gone."""


class Results:
    """What is awaited from the clients of one hub."""

    __slots__ = ("_by_client", "_drawn", "_questions")

    def __init__(self) -> None:
        self._drawn = 0
        self._questions: dict[str, Question] = {}
        self._by_client: dict[str, dict[str, Question]] = {}

    def __len__(self) -> int:
        return len(self._questions)

    def ask(self, connection: LocalConnection) -> Question:
        """Draw an id and await an answer under it, until `forget`."""
        self._drawn += 1
        question = Question(f"s{self._drawn}", connection)
        self._questions[question.id] = question
        asked = self._by_client.setdefault(connection.connection_id, {})
        asked[question.id] = question
        connection.awaiting(len(asked))
        return question

    def awaits(self, connection: LocalConnection, invocation_id: str) -> bool:
        """Whether this client owes an answer under this id."""
        question = self._questions.get(invocation_id)
        return question is not None and question.connection is connection

    def answered(self, connection: LocalConnection, completion: Completion) -> None:
        """A client has answered.

        Raises:
            ProtocolError: It was not the one that was asked.
        """
        question = self._questions.get(completion.invocation_id)
        if question is None:
            return
        if question.connection is not connection:
            raise ProtocolError(texts.not_asked(connection.connection_id, completion.invocation_id))
        self.forget(question)
        if not question.answer.done():
            question.answer.set_result(completion)

    def forget(self, question: Question) -> None:
        """It is answered, or nobody waits any more."""
        if self._questions.pop(question.id, None) is None:
            return
        connection = question.connection
        asked = self._by_client[connection.connection_id]
        del asked[question.id]
        if not asked:
            del self._by_client[connection.connection_id]
        connection.awaiting(len(asked))

    def lost(self, connection: LocalConnection) -> None:
        """The client has gone: nobody awaits it any more."""
        for question in tuple(self._by_client.get(connection.connection_id, {}).values()):
            self.forget(question)
            if not question.answer.done():
                question.answer.set_result(None)
