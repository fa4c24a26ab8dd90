"""A hub with a stream of prices: `uvicorn examples.recorder.feed:app`.

A price is made every 50 ms since the start. Who asks again after a gap says the last number he has, and misses none.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

from hubstream import Hub, HubServer

EVERY = 0.05
START = time.monotonic()


@dataclass
class Price:
    number: int
    symbol: str
    price: float


class Prices(Hub):
    async def prices(self, symbol: str, after: int = 0) -> AsyncIterator[Price]:
        number = after
        while True:
            number += 1
            await asyncio.sleep(max(0.0, START + number * EVERY - time.monotonic()))
            yield Price(number, symbol, round(100 + 10 * math.sin(number / 10), 2))


app = HubServer({"/prices": Prices})
