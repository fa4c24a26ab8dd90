"""Names as each style spells them."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from typing import Any

import pytest

from hubstream.payloads import DOTNET, PYTHON, Payloads
from hubstream.payloads.style import spell


@pytest.mark.parametrize(
    ("name", "camel", "pascal"),
    [
        ("x", "x", "X"),
        ("X", "x", "X"),
        ("label", "label", "Label"),
        ("user_id", "userId", "UserId"),
        ("a_b", "aB", "AB"),
        ("userId", "userId", "UserId"),
        ("UserId", "userId", "UserId"),
        ("URL", "url", "URL"),
        ("URLValue", "urlValue", "URLValue"),
        ("ip_v4", "ipV4", "IpV4"),
        ("_hidden_one", "hiddenOne", "HiddenOne"),
        ("class_", "class", "Class"),
        ("größe", "größe", "Größe"),
    ],
)
def test_names(name: str, camel: str, pascal: str) -> None:
    assert spell(name, "as_written") == name
    assert spell(name, "camel") == camel
    assert spell(name, "pascal") == pascal


def test_the_two_styles() -> None:
    assert Payloads("as_written", "as_written", "python") == PYTHON
    assert Payloads("camel", "pascal", "dotnet") == DOTNET
    assert (DOTNET.names("json"), DOTNET.names("messagepack")) == ("camel", "pascal")
    with pytest.raises(dataclasses.FrozenInstanceError):
        DOTNET.values = "python"  # type: ignore[misc]  # wrong on purpose


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"json_names": "snake"}, "json_names is one of as_written, camel, pascal, not 'snake'"),
        ({"messagepack_names": "camelCase"}, "messagepack_names is one of"),
        ({"values": "net"}, "values is one of python, dotnet, not 'net'"),
    ],
)
def test_a_style_there_is_not(wrong: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        Payloads(**wrong)


def test_nothing_optional_is_imported() -> None:
    # A fresh interpreter: this one has imported both for other tests.
    code = "import sys, hubstream.payloads; sys.exit(bool({'pydantic', 'attr', 'attrs'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0
