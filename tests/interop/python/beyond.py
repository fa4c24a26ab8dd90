"""What ASP.NET Core 10 itself fails now and then, and this project must not: a call ends while its upload is full."""

from __future__ import annotations

import pytest

from hubstream import HubError
from tests.interop.python.check import Area, Context
from tests.interop.python.up import each

check = Area("beyond")


@check
async def method_returns_while_hundreds_of_items_come(x: Context) -> None:
    c = await x.open()
    assert await c.invoke("FirstOf", each(map(str, range(300))), result=str) == "0"
    assert await c.invoke("Add", 1, 2, result=int) == 3, "the connection after it"


@check
async def method_fails_while_hundreds_of_items_come(x: Context) -> None:
    c = await x.open()
    with pytest.raises(HubError, match="HubException: enough"):
        await c.invoke("FailDuring", each(range(300)), "enough", result=str)
    assert await c.invoke("Add", 1, 2, result=int) == 3, "the connection after it"
